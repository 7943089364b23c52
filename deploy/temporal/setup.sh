# Makes the namespace and the search attributes that Taskloom's workflows set. Safe to repeat.
set -eu
temporal operator namespace describe --namespace default > /dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 7d
for name in TenantId Kind EntityId Phase; do
  temporal operator search-attribute list --namespace default | grep -qw "$name" ||
    temporal operator search-attribute create --namespace default --name "$name" --type Keyword
done
