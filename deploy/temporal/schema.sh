# Makes Temporal's two databases, or brings them to this version. Safe to repeat.
# temporal-sql-tool takes the connection from SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu
for pair in temporal:temporal temporal_visibility:visibility; do
  run() { temporal-sql-tool --database "${pair%%:*}" "$@"; }
  run create-database
  run setup-schema --version 0.0
  run update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/${pair##*:}/versioned"
done
