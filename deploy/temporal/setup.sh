# Makes the namespace and the search attributes that Taskloom's workflows set. Safe to repeat.
set -eu
temporal operator namespace describe --namespace default > /dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 7d
# The server notices a new namespace some seconds after it was made.
tries=0
until temporal operator search-attribute list --namespace default > /dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo 'the server does not know the namespace "default" after a minute' >&2; exit 1; }
  sleep 1
done
for name in TenantId Kind EntityId Phase; do
  temporal operator search-attribute list --namespace default | grep -qw "$name" ||
    temporal operator search-attribute create --namespace default --name "$name" --type Keyword
done
