//! Context words as data: what the words beside a value say about it, in English and Traditional Chinese, and what names
//! mean something else.
//!
//! Lists of ASCII words are sorted; each is there once.

/// Words that make the name a password's, wherever they stand.
#[rustfmt::skip]
pub(crate) const PASSWORD_WORDS: &[&str] = &[
    "apikeys", "clientsecret", "contrasena", "contribsys", "haslo", "kennwort", "keypass", "masterauth", "mdp",
    "parola", "pass", "passcode", "passphrase", "passphrases", "passwd", "passwds", "password", "passwords",
    "passwort", "psw", "pswd", "pw", "pwd", "pwds", "requirepass", "secret", "secrete", "secretkey", "senha",
    "storepass", "wachtwoord",
];

/// Words that make the name a token's, at its end.
#[rustfmt::skip]
pub(crate) const TOKEN_WORDS: &[&str] = &[
    "accesstoken", "apitoken", "auth", "authkey", "authorization", "auths", "authtoken", "authtokens",
    "bearer", "bearertoken", "cookie", "cred", "credential", "credentials", "creds", "hashiv", "hashkey", "hmac",
    "idtoken", "iv", "jsessionid", "jwt", "mnemonic", "oauth", "otp", "passkey", "phpsessid", "psid", "psk",
    "refreshtoken", "salt", "sastoken", "secrets", "seed", "sessid", "sessionid", "sessiontoken", "sid", "sig",
    "signature", "signingsecret", "token", "tokens", "totp", "webhook",
];

/// Words before `key` that make it a secret one.
#[rustfmt::skip]
pub(crate) const SECRET_KEYS: &[&str] = &[
    "access", "account", "admin", "aes", "api", "app", "application", "auth", "cipher", "client", "consumer",
    "crypto", "customer", "data", "decrypt", "decryption", "deploy", "des", "developer", "dsa", "ecdsa", "ed25519",
    "encrypt", "encryption", "function", "global", "hash", "hashiv", "hmac", "hmackey", "host", "ingest",
    "integration", "jwt", "license", "live", "master", "merchant", "p8", "partner", "pem", "personal", "preshared",
    "private", "project", "publishing", "push", "reader", "recovery", "rest", "root", "rsa", "sas", "secret",
    "security", "server", "service", "session", "shared", "sign", "signature", "signing", "ssh", "storage",
    "subscription", "tls", "token", "trading", "unseal", "user", "vapid", "wallet", "webhook", "wg",
    "wireguard", "write",
];

/// Words before `key` that make it a name for something else.
#[rustfmt::skip]
pub(crate) const OTHER_KEYS: &[&str] = &[
    "aggregate", "aggregation", "answer", "any", "arrow", "attr", "attribute", "bind", "binding", "bucket", "cache",
    "candidate", "composite", "compound", "context", "cursor", "dedup", "dedupe", "deduplication", "dict", "down",
    "end", "enter", "esc", "escape", "event", "facet", "feature", "field", "filter", "flag", "fn", "foreign",
    "group", "header", "home", "hot", "i18n", "id", "idempotency", "index", "item", "join", "json", "key",
    "label", "lang", "language", "left", "locale", "lock", "lookup", "map", "memcached", "menu", "message", "meta",
    "metadata", "metric", "name", "natural", "object", "order", "ordering", "page", "partition", "path", "press",
    "primary", "prop", "property", "pub", "public", "publishable", "query", "range", "redis", "registry", "return",
    "right", "routing", "row", "s3", "schema", "section", "setting", "shard", "shortcut", "site", "sort", "sorted",
    "state", "string", "super", "surrogate", "tab", "tag", "text", "topic", "translation", "unique", "up", "yaml",
];

/// Words before `token` that make it no credential: of a list's pages, of a language model's vocabulary.
#[rustfmt::skip]
pub(crate) const OTHER_TOKENS: &[&str] = &[
    "ast", "bos", "cls", "comment", "completion", "continuation", "cursor", "delimiter",
    "end", "eof", "eos", "expected", "identifier", "input", "keyword", "lexer", "mask", "max", "min",
    "next", "num", "operator", "output", "pad", "page", "parser", "peek", "prompt", "resume", "sep", "skip",
    "special", "start", "stop", "sync", "syntax", "total", "unexpected", "unk", "whitespace", "ws",
];

/// Words that end like a secret's name and are none.
#[rustfmt::skip]
pub(crate) const INNOCENT: &[&str] = &[
    "allpass", "bandpass", "bypass", "compass", "encompass", "eurotoken", "highpass", "jsonwebtoken", "lowpass",
    "multipass", "oldpwd", "overpass", "renderpass", "subpass", "surpass", "topsecret", "trespass", "underpass",
];

/// Last words that say it is about the secret, not the secret itself.
#[rustfmt::skip]
pub(crate) const ABOUT: &[&str] = &[
    "age", "alg", "algo", "algorithm", "allowed", "arn", "at", "attempt", "attempts", "aud", "audience", "bits",
    "block", "bucket", "budget", "builder", "bytes", "c", "cache", "category", "changed", "characters", "class",
    "column", "complexity", "component", "config", "confirm", "confirmed", "controller", "cost", "count", "counts",
    "cpp", "created", "cs", "date", "days", "decoder", "default", "description", "dialog", "digest", "dir",
    "disabled", "enabled", "encoder", "encoding", "endpoint", "env", "error", "errors", "event", "exceeded", "exists",
    "expiration", "expire", "expired", "expires", "expiry", "factory", "field", "fields", "file", "filename",
    "fingerprint", "form", "format", "func", "generator", "go", "h", "handler", "hash", "hashed", "hasher", "header",
    "help", "helper", "hint", "hook", "hooks", "host", "hours", "html", "icon", "id", "ids", "index", "info", "ini",
    "input", "invalid", "issuer", "iterations", "java", "js", "json", "jsx", "kdf", "kind", "kt", "label", "last",
    "len", "length", "level", "lifetime", "limit", "link", "list", "location", "manager", "managers", "map", "mask",
    "masked", "max", "md", "md5", "message", "metadata", "method", "min", "minutes", "missing", "mode", "model",
    "name", "names", "not", "number", "of", "only", "option", "options", "owner", "page", "param", "parameter",
    "parser", "path", "pattern", "php", "placeholder", "placeholders", "policies", "policy", "pool", "port",
    "position", "prefix", "present", "price", "prices", "pricing", "prompt", "protected", "provider", "py", "rate",
    "rb", "reader", "redacted", "ref", "reference", "refresh", "regex", "region", "remaining", "request", "required",
    "requirements", "requires", "reset", "resolver", "response", "result", "role", "rotation", "rounds", "row", "rs",
    "rule", "rules", "scheme", "scope", "scopes", "screen", "screenshot", "seconds", "selector", "service", "set",
    "sh", "sha", "sha256", "size", "source", "space", "spec", "sql", "state", "status", "storage", "store",
    "strategy", "strength", "style", "suffix", "supported", "swift", "table", "template", "test", "tests", "text",
    "time", "timeout", "title", "toml", "total", "ts", "tsx", "ttl", "txt", "typ", "type", "types", "uri", "url",
    "usage", "used", "user", "username", "util", "utils", "validation", "validator", "version", "view", "visible",
    "vue", "wallet", "window", "windows", "word", "xml", "yaml", "yml",
];

/// Types that stand between a name and its `=`: `var token string = "…"`.
#[rustfmt::skip]
pub(crate) const TYPES: &[&str] = &[
    "any", "byte", "bytes", "char", "cstring", "nsstring", "nstring", "nvarchar", "object", "str", "string", "text",
    "varchar", "wstring",
];

/// Names that mean the value beside them, and those that name it: `{"name": "DB_PASSWORD", "value": "…"}`.
#[rustfmt::skip]
pub(crate) const VALUE_NAMES: &[&str] = &[
    "content", "current", "data", "default", "plain", "plaintext", "raw", "val", "value",
];

#[rustfmt::skip]
pub(crate) const NAME_NAMES: &[&str] = &[
    "attribute", "env", "envvar", "field", "header", "id", "identifier", "k", "key", "label", "name", "option",
    "param", "parameter", "property", "setting", "title", "var", "variable",
];

/// Names that are not a secret's and still are looked at.
#[rustfmt::skip]
pub(crate) const OTHER_NAMES: &[&str] = &[
    "authorization", "cookie", "cookies", "csc", "cvc", "cvn", "cvv", "key", "keys", "kind", "lines", "pat", "pin",
];

/// Words before a telephone number.
#[rustfmt::skip]
pub(crate) const PHONE_WORDS: &[&str] = &[
    "callback", "caller", "calling", "cell", "cellphone", "contact", "dial", "ext", "fax", "handphone", "handy",
    "helpline", "hotline", "landline", "mobil", "mobile", "movil", "msisdn", "pager", "phone", "phones", "reached",
    "rufnummer", "sms", "tel", "tele", "telefon", "telefone", "telefono", "telephon", "telephone", "texted",
    "voicemail", "whatsapp",
];

/// Verbs that call for a telephone number where somebody is called.
#[rustfmt::skip]
pub(crate) const PHONE_VERBS: &[&str] = &[
    "call", "reach", "ring", "text",
];

/// Words before a card's number.
#[rustfmt::skip]
pub(crate) const CARD_WORDS: &[&str] = &[
    "amex", "card", "cardno", "cardnumber", "cc", "ccn", "ccnum", "credit", "debit", "discover", "jcb", "maestro",
    "mastercard", "pan", "payment", "unionpay", "visa",
];

/// Words before a Social Security number.
#[rustfmt::skip]
pub(crate) const SSN_WORDS: &[&str] = &[
    "security", "social", "socialsecurity", "ssn", "taxpayer", "tin",
];

/// The same in other scripts.
#[rustfmt::skip]
pub(crate) const PHONE_SIGNS: &[&str] = &[
    "電話", "手機", "傳真", "行動", "聯絡", "專線", "市話", "門號", "撥打", "請撥", "來電", "簡訊", "电话", "手机", "携帯", "전화", "致電", "話機", "聯繫",
    "連絡", "分機", "緊急聯絡", "行動電話",
];

/// The same in other scripts.
#[rustfmt::skip]
pub(crate) const CARD_SIGNS: &[&str] = &[
    "卡號", "信用卡", "卡号", "簽帳卡", "金融卡", "カード", "刷卡", "卡片號碼", "扣款卡",
];

/// The same in other scripts.
#[rustfmt::skip]
pub(crate) const SSN_SIGNS: &[&str] = &[
    "社會安全號碼", "社安碼",
];

/// What a password, a passphrase or a code is called in other scripts.
#[rustfmt::skip]
pub(crate) const PASSWORD_SIGNS: &[&str] = &[
    "密碼", "帳密", "密码", "密鑰", "密钥", "口令", "通行碼", "通關密語", "通行密碼", "金鑰", "金钥", "驗證碼", "验证码", "動態碼", "暗號", "密語", "パスワード", "비밀번호",
    "пароль",
];

/// What a token or a private key is called in other scripts.
#[rustfmt::skip]
pub(crate) const TOKEN_SIGNS: &[&str] = &[
    "權杖", "令牌", "私鑰", "私钥", "憑證碼", "トークン", "토큰",
];

/// Schemes of the Authorization header (RFC 9110, 11.6.2) and what vendors use as such.
#[rustfmt::skip]
pub(crate) const SCHEMES: &[&str] = &[
    "api-key", "api-token", "apikey", "apikey-v1", "apitoken", "aws4", "aws4-hmac-sha256", "basic", "bearer", "bot",
    "client-id", "client_secret", "digest", "dpop", "geniekey", "gnap", "hawk", "hmac", "hmac-sha256", "jwt", "key",
    "l402", "mac", "negotiate", "nostr", "ntlm", "oauth", "pass", "private-token", "privatetoken", "scram-sha-256",
    "sharedkey", "signature", "snowflake", "splunk", "sso", "sso-key", "ssws", "token", "token2", "vapid",
    "zoho-oauthtoken",
];
