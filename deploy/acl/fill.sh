#!/bin/sh
# Make users.acl of users.template, with a random password for each user: sh deploy/acl/fill.sh FOLDER [ACCOUNT]
#
# FOLDER gets users.acl, which holds hashes alone, and NAME.password for each user, readable by you alone.
# Passwords that are there stay, so a changed template only needs another run and ACL LOAD; to change one, remove
# its file first. With ACCOUNT the users reach that account's ledger and no other.
set -eu

folder=${1:?"usage: fill.sh FOLDER [ACCOUNT]"}
account=${2:-}
case $account in
*[!a-z0-9_-]*)
    echo "fill.sh: an account is made of a-z, 0-9, _ and -" >&2
    exit 2
    ;;
esac

hash_of() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

umask 077
mkdir -p "$folder"
# Without comments, and each rule on one line: Redis knows neither comments nor continued lines.
rules=$(sed -e '/^#/d' -e '/^$/d' "$(dirname "$0")/users.template" |
    awk '/^ / { sub(/^ +/, " "); line = line $0; next } { if (line) print line; line = $0 } END { print line }')
for user in $(printf %s "$rules" | grep -o '#@[a-z-]*@' | tr -d '#@'); do
    file=$folder/$user.password
    if ! [ -s "$file" ]; then
        od -An -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$file"
    fi
    rules=$(printf %s "$rules" | sed "s/@$user@/$(tr -d '\r\n' <"$file" | hash_of)/")
done
if [ "$account" ]; then
    rules=$(printf %s "$rules" | sed "s/{shipper:\*}/{shipper:$account}/g")
fi
printf '%s\n' "$rules" >"$folder/users.acl.new"
# Redis may run as another user, and there is nothing in it to keep secret.
chmod 444 "$folder/users.acl.new"
mv -f "$folder/users.acl.new" "$folder/users.acl"
