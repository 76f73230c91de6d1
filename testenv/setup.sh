#!/usr/bin/env bash
# Installs the Debian packages that building, running and testing need, when they are missing.
# Says what and why; asks for nothing; starts no service and touches no server or token that is already there.
#   testenv/setup.sh run    what `make run` and `make demo` need
#   testenv/setup.sh e2e    all that and a browser for `make e2e`
#   testenv/setup.sh test   the above and the independent programs that the tests compare with
set -euo pipefail

# package | how to see that it is there | why
run_packages='
gcc                    | command -v gcc                                                   | compiles the binding to PKCS#11
libc6-dev              | test -e /usr/include/stdlib.h                                    | the C headers for it
softhsm2               | command -v softhsm2-util                                         | the token that holds keys where there is no HSM
postgresql-15          | ls /usr/lib/postgresql/*/bin/postgres                            | the database, run as a private cluster
openssl                | command -v openssl                                               | verifies what the gateway seals, independently
libengine-gost-openssl | ls /usr/lib/*/engines-3/gost.so                                  | the same for GOST signatures
'
test_packages='
libssl-dev             | test -e /usr/include/openssl/evp.h                               | builds the comparison with the GOST engine
opensc                 | command -v pkcs11-tool                                           | a second reader of the token
opensc-pkcs11          | ls /usr/lib/*/pkcs11-spy.so                                      | counts the calls to the token
p11-kit                | command -v p11-kit                                               | a token that can be stopped in the middle of a call
p11-kit-modules        | ls /usr/lib/*/pkcs11/p11-kit-client.so                           | the client side of it
libnss3                | ls /usr/lib/*/libsoftokn3.so                                     | a token that has nothing in common with SoftHSM
libtpm2-pkcs11-1       | ls /usr/lib/*/pkcs11/libtpm2_pkcs11.so                           | a token in a TPM, with rules of its own
swtpm                  | command -v swtpm                                                 | the TPM for it, in software
libtss2-tcti-swtpm0    | ls /usr/lib/*/libtss2-tcti-swtpm.so.0                            | how its resource manager reaches it
tpm2-abrmd             | command -v tpm2-abrmd                                            | the resource manager, run by the test alone
libtss2-tcti-tabrmd0   | ls /usr/lib/*/libtss2-tcti-tabrmd.so.0                           | how the module reaches that
dbus-daemon            | command -v dbus-daemon                                           | the bus between the two, private to the test
opencryptoki           | command -v pkcsslotd                                             | a token behind a daemon, run in namespaces of its own
curl                   | command -v curl                                                  | pastes the quick start, and asks over TLS like any client
libxml2-utils          | command -v xmllint                                               | canonical XML, independently
xmlsec1                | command -v xmlsec1                                               | XML signatures, independently
poppler-utils          | command -v pdfsig                                                | reads the receipts as a person would
qpdf                   | command -v qpdf                                                  | checks the structure of the PDF files
zbar-tools             | command -v zbarimg                                               | scans the QR codes of receipts
'

e2e_packages='
chromium               | command -v chromium                                              | the browser that clicks through the pages
fonts-dejavu-core      | ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf               | Kazakh letters in its pictures
npm                    | command -v npm                                                   | fetches axe-core, which judges accessibility
'

case "${1:-}" in
  run)  wanted=$run_packages ;;
  test) wanted=$run_packages$test_packages ;;
  e2e)  wanted=$run_packages$test_packages$e2e_packages ;;
  *)    echo "usage: testenv/setup.sh run|test|e2e" >&2; exit 2 ;;
esac

missing=()
while IFS='|' read -r package probe why; do
  package=$(echo "$package" | xargs)
  [ -n "$package" ] || continue
  if ! bash -c "$probe" >/dev/null 2>&1; then
    echo "missing: $package —$why"
    missing+=("$package")
  fi
done <<< "$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "Not root, and sudo would ask for a password. Please run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi
echo "installing from Debian: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# RUNLEVEL=1 keeps Debian from starting the services of what it installs.
if ! { "${as_root[@]}" apt-get update -q &&
       "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
         apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "could not install: ${missing[*]} (the last lines of apt-get stand above)" >&2
  exit 1
fi
