//! Credentials that no vendor's prefix gives away. Every example is made up; they are cut into pieces where a scanner of
//! secrets would take this file for a leak.

use super::builtin_rules;
use crate::redact::rules::context::{PASSWORD_SIGNS, PASSWORD_WORDS, SCHEMES, SECRET_KEYS, TOKEN_SIGNS, TOKEN_WORDS};
use crate::redact::rules::services::SERVICES;

builtin_rules! {
    PRIVATE_KEY_ARMOUR = PrivateKey "private-key-armour", &[&["-----BEGIN"]],
    "armoured private key (RFC 7468, OpenSSH, OpenPGP)", Shape,
    finds ["-----BEGIN RSA " "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA " "PRIVATE KEY-----",
        "\"-----BEGIN " "PRIVATE KEY-----\" +\n\"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\" +\n\"-----END PRIVATE KEY-----\""],
    passes ["-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----"];
    PUTTY_PRIVATE_KEY = PrivateKey "putty-private-key", &[&["Private-Lines"]], "the private lines of a PuTTY key file", Shape,
    finds ["Private-Lines: 1\nTKCO1xiTQdosa0d76tv14GeJiKEbN+v8GhphdMnZyCNyYtki\nPrivate-MAC: 27"],
    passes ["Public-Lines: 1\nAAAAC3NzaC1lZDI1NTE5", "Private-Lines: 14"];
    JSON_WEB_PRIVATE_KEY = PrivateKey "json-web-private-key", &[&["d", "p", "q", "dp", "dq", "qi", "k"], &["kty"]],
    "the private members of a JSON Web Key (RFC 7518, 6.2.2, 6.3.2 and 6.4.1)", Shape,
    finds ["{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZ" "NP4Bk43bVdj3eAE\"}"],
    passes ["{\"kty\":\"EC\",\"x\":\"RKHiCaKijsA-kDnRXcVyBBF11E_E3w_xmieVTU74NNw\"}",
        "{\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}"];
    SQL_INSERTED_SECRET = Secret "sql-inserted-secret", &[&["VALUES"], PASSWORD_WORDS, TOKEN_WORDS],
    "the value of a column that holds secrets, in an INSERT", NoPlaceholder,
    finds ["INSERT INTO users (name, password) VALUES ('bob', 'Zx9!kLm2pQ');",
        "insert into t (api_key, n) values ('a1', 1), ('8f14e45fceea167a', 2)"],
    passes ["INSERT INTO users (name, email_id) VALUES ('bob', 'x')", "INSERT INTO users (name, password) VALUES (?, ?)"];
    PGPASS_ENTRY = Secret "pgpass-entry", &[&[":5432:", ":*:"]], "a line of PostgreSQL's password file", Shape,
    finds ["db.example.org:5432:app:bob:Zx9kLm2pQ", "*:*:*:postgres:Sw0rdfish"],
    passes ["10:20:30:40:50", "db.example.org:5432:app:bob"];
    JSON_WEB_TOKEN = AuthToken "json-web-token", &[&["eyJ"]], "two to five parts in Base64url (RFC 7519)", JoseHeader,
    finds ["eyJhbGciOiJIUzI1NiJ9" ".eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
    passes ["eyJmb28iOiJiYXIifQ.notatoken", "eyJhbGciOiJIUzI1NiJ9"];
    JSON_WEB_TOKEN_IN_BASE64 = AuthToken "json-web-token-in-base64", &[&["ZXlK"]], "a JSON Web Token in Base64 once more",
    JoseHeader,
    finds ["ZXlKaGJHY2lPaUpJVXpJMU5pSjku" "ZXlKemRXSWlPaUl4SW4wLmMybG5ibUYwZFhKbA=="],
    passes ["ZXlKYWJjZGVmZ2hpamtsbW5vcHFy"];
    BEARER_TOKEN = AuthToken "bearer-token", &[&["Bearer"]], "what follows the word Bearer (RFC 6750)", Entropy,
    finds ["sends Bearer " "mF_9.B5f-4.1JqM", "format!(\"Bearer {}\", \"" "eV91NKzhTOds7T8qRNmAtXtW\")"],
    passes ["Bearer authentication", "the bearer of news", "Bearer ${TOKEN}"];
    BASIC_CREDENTIALS = AuthToken "basic-credentials", &[&["Basic"]], "Base64 of user:password behind Basic (RFC 7617)",
    Decodes,
    finds ["uses Basic " "QWxhZGRpbjpvcGVuIHNlc2FtZQ== here"],
    passes ["Basic authentication", "Basic usage"];
    AUTHORIZATION_HEADER = AuthToken "authorization-header", &[&["Authorization"], SCHEMES],
    "the credentials of an Authorization header (RFC 9110)", NoPlaceholder,
    finds ["Authorization: Token 9944b0" "9199c62bcf9418", "'authorization': 'Basic " "dXNlcjpwYXNzd29yZDE='"],
    passes ["Authorization: Bearer <token>", "authorization: required", "Authorization: ${AUTH}"];
    DIGEST_RESPONSE = AuthToken "digest-response", &[&["Digest"]], "the response of a Digest header (RFC 7616)", Shape,
    finds ["Authorization: Digest username=\"joe\", nonce=\"dcd98b\", response=\"c395002c403cd8a8" "43c1cf7c364bc0ef\""],
    passes ["WWW-Authenticate: Digest realm=\"app\", nonce=\"dcd98b\""];
    COOKIE_HEADER = AuthToken "cookie-header", &[&["Cookie", "Set-Cookie"]], "a cookie header's value (RFC 6265)",
    NoPlaceholder,
    finds ["Cookie: sid=31d4d96e407aad42; theme=dark", "Set-Cookie: id=a3fWa; Path=/"],
    passes ["Cookie: none", "cookies: 12"];
    PASSWORD_ASSIGNMENT = Secret "password-assignment", &[PASSWORD_WORDS, PASSWORD_SIGNS],
    "the value of a name that says password", NoPlaceholder,
    finds ["DB_PASSWORD=hunter2", "{\"password\": \"correct horse\"}", "密碼是 s3cr3t-99", "the password is Tr0ub4dor&3"],
    passes ["password: ${DB_PASSWORD}", "password = getpass()", "password: string", "the password is required"];
    TOKEN_ASSIGNMENT = Secret "token-assignment", &[TOKEN_WORDS, TOKEN_SIGNS], "the value of a name that says token",
    NoPlaceholder,
    finds ["auth_token: \"8f14e45fceea167a\"", "權杖: O6m415K3TiTs3MSY6cjBZlN0"],
    passes ["token_type: bearer", "next_token: abc123def456", "token = parser.next()"];
    KEY_ASSIGNMENT = Secret "key-assignment", &[SECRET_KEYS], "a random value of a name that ends in key", Entropy,
    finds ["weird_key = \"9e107d9d372bb6826bd81d3542a419d6\""],
    passes ["sort_key = \"created_at\"", "primary_key: 9e107d9d372bb6826bd81d3542a419d6"];
    SERVICE_KEY_ASSIGNMENT = Secret "service-key-assignment", &[SERVICES], "a random value of a name that names a service",
    Entropy,
    finds ["cloudflare = \"9e107d9d372bb6826bd81d3542a419d6\""],
    passes ["cloudflare = \"enabled\"", "stripe_version: 2024-06-20"];
    COMMAND_PASSWORD = Secret "command-password", &[&["-p", "htpasswd", "net use", "add_user", "sudo -S", "chpasswd"]],
    "a command's argument that is a password", NoPlaceholder,
    finds ["mysql -u root -phunter2 app", "htpasswd -b .htpasswd joe Sw0rdfish", "7z x a.7z -pSw0rdfish9"],
    passes ["mkdir -p /var/lib/app", "mysql -port 3306", "htpasswd --help"];
    COMMAND_LOGIN = Secret "command-login", &[&["-u", "--user"]], "user:password as a command's argument", NoPlaceholder,
    finds ["curl -u joe:hunter2 https://example.com", "curl --user  'joe:hun ter2'"],
    passes ["curl -u username:password https://example.com", "id -u 1000:1000", "curl -u $USER:$PASS"];
    SECRET_MANIFEST = Secret "secret-manifest", &[&["kind: Secret"]], "the values of a Kubernetes secret", NoPlaceholder,
    finds ["kind: Secret\ndata:\n  user: YWRtaW4=\n", "{\"kind\":\"Secret\",\"data\":{\"a\":\"YWRtaW4=\"}}"],
    passes ["kind: ConfigMap\ndata:\n  user: YWRtaW4=\n"];
    SECRET_COLUMN = Secret "secret-column", &[PASSWORD_WORDS, PASSWORD_SIGNS], "cells of a table whose column says password",
    NoPlaceholder,
    finds ["user,password\njoe,Sw0rdfish\n", "| user | password |\n|---|---|\n| joe | Sw0rdfish |"],
    passes ["user,password\n", "| field | type |\n|---|---|\n| password | text |"];
    URL_PASSWORD = UrlCredential "url-password", &[&["://"]], "the password of a URL's authority (RFC 3986)", NoPlaceholder,
    finds ["postgres://joe:hunter2@db/app", "https%3A%2F%2Fjoe%3Ahunter2%40example.com"],
    passes ["https://example.com:8443/a@b", "https://$USER:$TOKEN@example.com", "https://user@example.com"];
    URL_TOKEN = UrlCredential "url-token", &[&["://"]], "a token as a URL's user", Entropy,
    finds ["https://9e107d9d372bb6826bd81d3542a419d6@git.example.com/a"],
    passes ["https://jane@git.example.com/a"];
    DSN_PASSWORD = UrlCredential "dsn-password", &[&["@tcp(", "@unix("]], "the password of a data source name", NoPlaceholder,
    finds ["joe:hunter2@tcp(db:3306)/app"],
    passes ["joe@tcp(db:3306)/app"];
    ORACLE_LOGIN = UrlCredential "oracle-login", &[&["jdbc:oracle:thin:", "sqlplus"]], "user/password@host", NoPlaceholder,
    finds ["sqlplus scott/tiger7@db", "jdbc:oracle:thin:scott/tiger7@db:1521:orcl"],
    passes ["sqlplus scott@db"];
}
