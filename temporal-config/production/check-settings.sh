#!/bin/sh
# Says before Temporal's server starts what would end it a minute later, or keep all callers away. The environment is the server's; a server without
# certificates passes.
set -eu
cert=${TEMPORAL_TLS_CERT_FILE:-}
[ -n "$cert" ] || exit 0
command -v openssl > /dev/null || {
  echo "$cert is not checked: openssl is missing" >&2
  exit 0
}
refuse() {
  echo "$cert: $1" >&2
  exit 1
}
: "${TEMPORAL_TLS_KEY_FILE:?} ${TEMPORAL_TLS_CA_FILE:?} ${TEMPORAL_TLS_SERVER_NAME:?}"
[ "$(openssl x509 -in "$cert" -noout -pubkey)" = "$(openssl pkey -in "$TEMPORAL_TLS_KEY_FILE" -pubout)" ] ||
  refuse "TEMPORAL_TLS_KEY_FILE has another key"
openssl x509 -in "$cert" -noout -checkend 0 > /dev/null || refuse 'it has expired'
for use in server client; do
  openssl x509 -in "$cert" -noout -purpose | grep -q "^SSL $use : Yes" ||
    refuse "it may not be used as TLS $use. The server is a client of itself: its extendedKeyUsage must have serverAuth and clientAuth"
done
openssl verify -CAfile "$TEMPORAL_TLS_CA_FILE" "$cert" > /dev/null || refuse "it is not of the authority in TEMPORAL_TLS_CA_FILE"
openssl x509 -in "$cert" -noout -checkhost "$TEMPORAL_TLS_SERVER_NAME" | grep -q 'does match' ||
  refuse "it has no name $TEMPORAL_TLS_SERVER_NAME (TEMPORAL_TLS_SERVER_NAME)"
