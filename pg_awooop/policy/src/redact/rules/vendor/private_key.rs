//! Private keys without PEM armour: base64 of a PEM or DER key, and text forms with a prefix.
//!
//! Forms: RFC 8017, 5208, 5915 and 8410 (the constant first bytes of their DER); age; NIP-19; BIP-32; SEP-23.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Shape, Varied};

pub(super) const RULES: &[Rule] = rules! { PrivateKey:
    "age-secret-key", &["AGE-SECRET-KEY-"], Shape,
    "AGE-SECRET-KEY-(?:PQ-)?1(?:[A-WYZ0-9][A-Z0-9]{57,}|X[A-Z0-9]{56,}[A-WYZ0-9])",
    finds [
        "AGE-SECRET-K" "EY-1KA2J4X8M5D6WWCQFTF9DFGXDPZ5FFN802YTN3VY8FVPA9RU6ZXS9Z73YJF",
        "AGE-SECRET-K" "EY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
    ],
    passes [
        "AGE-SECRET-K" "EY-1",
        "AGE-SECRET-K" "EY-1XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    ];
    "age-plugin-identity", &["AGE-PLUGIN-"], Varied(8),
    "AGE-PLUGIN-[A-Z0-9]+-1[A-Z0-9]{30,}",
    finds ["AGE-PLUGIN-" "YUBIKEY-1L304ZR284VQ59E7JTDSX9DEUF2Z5QSRJXCE8W7LUXZ6TNND2LKMGUK0GPD9H"],
    passes ["AGE-PLUGIN-" "YUBIKEY"];
    "base64-pem-private-key", &["LS0tLS1CRUdJTi"], Varied(10),
    "LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFW|BSU0EgUFJJVkFURSBLRV|BEU0EgUFJJVkFURSBLRV|BFQyBQUklWQVRFIEtFW"
      "|BPUEVOU1NIIFBSSVZBVEUgS0VZ|BFTkNSWVBURUQgUFJJVkFURSBLRV|BQR1AgUFJJVkFURSBLRV"
      "|BTU0gyIEVOQ1JZUFRFRCBQUklWQVRFIEtFW)[A-Za-z0-9+/]{20,}={0,2}",
    finds [
        "LS0tLS1CRUdJ"
          "TiBQUklWQVRFIEtFWS0tLS0tCkyH0iPGEZLIr6Z66rmRBAoZLr9w4M1OZ9tG4z41Eb2VUwRXVCBPUijYtBejsK4RE5"
          "dPf4NP2QmwLHlAQsoeNwrZOn9X5BapOhow21bZzGFcLNfw=",
        "LS0tLS1CRUdJ"
          "TiBSU0EgUFJJVkFURSBLRVktLS0tLQpoQ5ks2NzhPD4Kike2HFzbFfvF2RuwPP4xFI4bhALMfjjQJHKM9Rlb6Pm7Pw"
          "daT1elulZxMeKndKz0q9PQXeeo33qIb70j8qWxZ0sZs7MIjq4hI",
        "LS0tLS1CRUdJ"
          "TiBFQyBQUklWQVRFIEtFWS0tLS0tCkK44iYklJk1Z6tRwUs1Ir1y3Ghs4ihFrhwYE7uW70g2bR9XZfWorurEcI9cEr"
          "apsg7PoOmoXBxtXhzCedvcAZ1VFNIpWqpTk2KVIdEfKqeoxXNc==",
        "LS0tLS1CRUdJ"
          "TiBPUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS0KGDVjPvhMUq8v3qNUBqLfOsn804FY7IqPK9UH7omc9Ljqs9Pio83i9c"
          "KMClMSLIadgMn8rMLgj0IcinOez9XnlGYv9JClfNYrRBhadMnw8MUskb=",
    ],
    passes [
        "LS0tLS1CRUdJ" "TiBDRVJUSUZJQ0FURS0tLS0tCk1JSUQ",
        "LS0tLS1CRUdJ" "TiBQVUJMSUMgS0VZLS0tLS0KTUlJQg",
    ];
    "openssh-key-body", &["b3BlbnNzaC1rZXktdjE"], Varied(10),
    "b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/]{60,}={0,2}",
    finds [
        "b3BlbnNzaC1r"
          "ZXktdjEAAAAABG5vbmUZuXYx7zFxz6Ow4t4N5mGhncAaktEUgbRNXofANk6aehf4qXRMomCMguOt3Y9iX5kVMZmene"
          "8h4XoXkksf11SM1bBKipptc3kcTO0MdY1xER0ZH=",
    ],
    passes ["b3BlbnNzaC1r" "ZXktdjE"];
    "rsa-private-key-der", &["MII"], Varied(14),
    "MII[A-Za-z0-9+/]{3}IBAAK[BC][A-Za-z0-9+/]{100,}={0,2}",
    finds [
        "MII" "EpAIBAAKCAQEAhezrLA/9m6+4liNCDPl+wqtOGxTNPRyjq57cfqweiEXdZBLexCs0dHGl2+KOlfMbXZm9RVC/EsEsl"
          "K7YgKKE+fiG623AMg20i0zPV01llmR5/Q==",
        "MII" "CXQIBAAKBgQC86SglwTySVLK6mMq8kQOxKKhRYRhhGm3mFStAjf4OPlxsGTtl5I5V3SPxjniMMQHMEi6YVolTaaTSI"
          "nzldG6xuHdQPhlYGsMBpVVCyP7gn3pNW=",
        "MII" "JKQIBAAKCAgEA04YuuBpMIfFK4T6omstKOFY+wqvcMAjwx4Y0Ilf31yQz4HMrdjvg3EDZTF2YZfoDXb6ANH6pyvG4t"
          "RZRc9N5ceCJl9FMORd1v8zRo4xxzIsS2E",
    ],
    passes ["MII" "DdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ"];
    "pkcs8-private-key-der", &["MII"], Varied(14),
    "MII[A-Za-z0-9+/]{3}IBADAN(?:BgkqhkiG9w0BAQ|BgkqhkiG9w0BAQEFAASC)[A-Za-z0-9+/]{60,}={0,2}",
    finds [
        "MII" "EvQIBADANBgkqhkiG9w0BAQEFAASCBKaEsiJhd869WJRbV+MeVaUe92k2h0h7tvXF/CHOA72xrOI3jYcLy9DAmPodh"
          "g7z5ht3zgBWVUOdSf4iOZlvH8EC6uhTg+uYioj3VXeMgUsb6gCx=",
        "MII" "EvgIBADANBgkqhkiG9w0BAQEFAASCJH3204Ma2iEsCBz188scrEM/j2bJVvydKZHgYjxiYqQ96ipwmDw+3zbvhsn3C"
          "EmCNyaM7A4qwNTn8Zprj1Ihvp5NiPmkcOndrK7UARTR14j2ao==",
    ],
    passes ["MII" "BIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"];
    "pkcs8-encrypted-key-der", &["MII", "MIG", "MIH"], Varied(12),
    "MI(?:I[A-Za-z0-9+/]{3}[AB][A-Za-z0-9]BgkqhkiG9w0BB|[GH][A-Za-z0-9+/]MFcGCSqGSIb3DQEF)[A-Za-z0-9+"
      "/]{60,}={0,2}",
    finds [
        "MII" "FLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BdUOtsgKWbQbXVq3uTSopFasIQugtWW7m0D8LFeyqQrXOyLcsyKhoe"
          "4DrZUpqNcZLDCf1DNK1zSesAM4XRfh92COHMem4kCOqXjS/jjTVws7mg2=",
        "MIH" "sMFcGCSqGSIb3DQEFDTBKMCkGCSqGzp157AW7nskjhoFThLVM9pJHB+Q9yWkskk1jPvIrCtYr5K6rdrmbFXWTIzE8m"
          "8y6Vs7GPHEL3jmUlLT/19K0v+njYXBz6Kh9J4U4wl5SXxrsHN=",
        "MII" "E6TAbBgkqhkiG9w0BBQMwDgQIFUhOJr/58of0stwVMlYJtRXOAS13M0Z3j59+a4UEwuIA6quthjHwYX56DazIaKap3"
          "CrWuI+391+joQEY3lNZQGsxpnGCPANbOxDF996a0OUWAj",
    ],
    passes [
        "MII" "FLTBXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    "ec-private-key-der", &["MHcCAQEEI", "MIGkAgEBBD", "MIH", "MHQCAQEEI"], Varied(14),
    "(?:MH[cQ]CAQEEI|MIGkAgEBBD|MIH[bc]AgEBBE)[A-Za-z0-9+/]{48,}={0,2}",
    finds [
        "MHcCAQEEI" "wQXPBZEKYywnDNaA6N7F0AQS+ZSEiJ7P0TaE7ZfOAjpngI+m74D+DDjlxkZgcV9nFSPCbbEeJBcHqpkyPoVxKyGAJe"
          "vOU7ino9eNdiyy1rqgmL==",
        "MIGkAgEBBD"
          "gWixOiX+LLNFt19g4+tOHgy0KVpDThMQE1r7T59wJvLQ/3IM6Htsy3ZcjnJnWGYCGYPfs52FOeCLXBKqPZndy9RkzA"
          "7S+Ekf2e89yuCCOiDybe=",
        "MIH" "cAgEBBExmBrk++RQBIXwii8OpiOa3hqhyqtkaGlHrrlyyk/0Wbn5Xihr1Cc26f8Z0Ayyv3mou8gW9wvWCUtNbtpbS2"
          "dgoeC0gVcZlru3HnSO5JmkRBuYq",
    ],
    passes ["MHcCAQEEI"];
    "ec-pkcs8-private-key-der", &[
        "MIGHAgEAMBMGByqGSM49", "MIG2AgEAMBAGByqGSM49", "MIHuAgEAMBAGByqGSM49", "MIGEAgEAMBAGByqGSM49",
    ], Varied(14),
    "MI(?:GH|G2|Hu|GE)AgEAMB[AM]GByqGSM49[A-Za-z0-9+/]{60,}={0,2}",
    finds [
        "MIGHAgEAMBMG"
          "ByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN+ZR+ioYJhABGhYN/zHj4IxhwOKp7kSF1V5MiwN5oyK8dD/YkyVyAB"
          "iOutnD1P1Jt8Qlm6+4zWjZMCU1kqKwXQPfc0dfxMFpH2lb8VNQOILUEl",
        "MIG2AgEAMBAG"
          "ByqGSM49AgEGBSuBBAAi6sP2qhwX4SLunPicnSj5EBSknVK9OrsYhlfwKWwLtNdyyamxN+9xE1bOoZinKyHZMetLN3"
          "cyHapx7V5eUj5/Muc8s/S/n6mgUSK6TXMtjS9ylU",
    ],
    passes ["MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"];
    "curve25519-private-key-der", &["MC4CAQAwBQYDK2V", "MFECAQEwBQYDK2V"], Varied(12),
    "M(?:C4CAQAwBQYDK2V|FECAQEwBQYDK2V)[A-Za-z0-9+/]{36,}={0,2}",
    finds [
        "MC4CAQAwBQYD" "K2VwBCIEIBeQH1Z/M5/Ty8Z8t6qFJq+od89GUwS7soFTh/knAQV5",
        "MC4CAQAwBQYD" "K2VuBCIEI3sqfYhM00Rzp1JgpwTc+1BZUaS/7JJ5KT3MxyhNqpC4",
    ],
    passes ["MCowBQYDK2VwAyEA", "MC4CAQAwBQYD" "K2VwBCIEIxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "nostr-secret-key", &["nsec1", "ncryptsec1"], Varied(8),
    "n(?:crypt)?sec1[a-z0-9]{58,}",
    finds ["nsec1" "n47phx0hw7jmhu3w7gkw4z4s2tq89e9k8zf02strpjuuvk9rl5tmj9teyg"],
    passes ["nsec1", "nsec1" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "bip32-extended-private-key", &["xprv", "tprv", "yprv", "zprv", "uprv", "vprv"], Varied(12),
    "[xtyzuv]prv[1-9A-HJ-NP-Za-km-z]{100,112}",
    finds [
        "xprv" "9pW62CHQowvcAaKgBAiivdMfZPSg1gcZpvmi7tXbDiPhdhYywbc6vjtaRmt7cLygF4abegNKa2p9fC99wpKpKzKwkx"
          "Brx84HPfLsDZEf79J",
        "zprv" "bMLEnR5WtzjtCh2LeXbta5dxdsjVzPbbrzshBYkbUn2RbttFUqey76KR8CMYt2CHfSJmWTgu8fFghG9iGXassNXAeK"
          "5jeF7z1dRUsacSdkn",
    ],
    passes ["xprv"];
    "stellar-secret-seed", &["SA", "SB", "SC", "SD"], Varied(12),
    "S[A-D][A-Z2-7]{54}",
    finds ["SB" "YKWEFPDZWDANCI7ICW3LIUOUKQEDOHZVPURX7U3X4NDVVOOUJ37KPO"],
    passes ["SHOUTING", "SB" "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "sui-private-key", &["suiprivkey1"], Varied(8),
    "suiprivkey1[a-z0-9]{50,}",
    finds ["suiprivkey1" "zrxq7g05898pyt9x7t7chfnxlzrj5l6aaslhc27r8a2zvu59v0vagaymm84"],
    passes ["suiprivkey1", "suiprivkey1" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "tezos-secret-key", &["edsk", "edesk", "spsk", "p2sk"], Varied(12),
    "(?:ede?sk|[sp][p2]sk)[1-9A-HJ-NP-Za-km-z]{50,94}",
    finds [
        "edsk" "hqZ4pqaUx9vRcU8SBCWowR2s92Kjrccc7ApCCcnF2xi7s33Hcy",
        "edesk" "aeeVfYA3bwaqZCcwznCp18aqqoGCS7ySyu8oDN9C5zTBECVRrZDN1D2rWH5PtZ22RnoViNvmnApDm6DhnagF",
    ],
    passes ["edsk", "edsk" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cardano-signing-key", &["ed25519_sk1", "ed25519e_sk1"], Varied(8),
    "ed25519e?_sk1[a-z0-9]{58,}",
    finds ["ed25519_sk1" "pq5wx024fys9kk5s35e3uzuq2pvru6ukvgs7gsadse0yzneqkw098svtcx9"],
    passes ["ed25519_sk1", "ed25519_sk1" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "minisign-secret-key", &["RWRTY0Iy", "RWQAAEIy"], Varied(12),
    "RW(?:RTY0Iy|QAAEIy)[A-Za-z0-9+/]{100,}={0,2}",
    finds [
        "RWRTY0Iy" "fvftfjYlqXAIjbsRnzDwryVTbim1Cvun9r2g3bfEtrbHNpBL5l/w5SVZazZ+L6Wi7KFzuNGEU9j4P3XBBNzg/83DqY"
          "kzd6MFJpwlbdO7KINxvj=",
        "RWQAAEIy" "Crn+dHOYgmqgn/jIuTHRzN6WNxTkk421EPb6zNvD5EAOxXgmCcEYYNlcMZM3AoYK00jZkEHLY+m9faRsUk8mOZxYF7"
          "X63I41ttTROQ261IABhc=",
    ],
    passes ["RWRTY0Iy"];
};
