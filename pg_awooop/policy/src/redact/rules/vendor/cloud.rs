//! Keys of clouds and hosts.
//!
//! Lengths: documentation of the clouds; gitleaks, Nosey Parker and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Shape, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "aws-access-key-id", &["AKIA", "ASIA", "ABIA", "ACCA"], Shape,
    "A(?:KIA|SIA|BIA|CCA)(?:[A-WYZ0-9][A-Z0-9]{15}|X[A-Z0-9]{14}[A-WYZ0-9])",
    finds [
        "AKIA" "J3JWK2UTG5DY2QIM",
        "ASIA" "2IUVQ2VOOKIA67LS",
        "ABIA" "SEY2GDQIU4SRAXER",
        "ACCA" "SOH2ZQNRGY5YXCAO",
        "AKIA" "QQQQQQQQQQQQQQQQ",
    ],
    passes ["AKIA" "XXXXXXXXXXXXXXXX", "ASIA" "PACIFICREGION"];
    "aws-legacy-access-key-id", &["A3T"], Varied(8),
    "A3T[A-Z0-9]{17}",
    finds ["A3T" "XGYBGVDBWYRJVDJG6"],
    passes ["A3T" "ABLE", "A3T" "XXXXXXXXXXXXXXXXX"];
    "aws-unique-id", &["AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA", "APKA", "ASCA"], Varied(8),
    "A(?:GPA|IDA|ROA|IPA|NPA|NVA|PKA|SCA)[A-Z0-9]{16,17}",
    finds ["AROA" "XUOYWGTODX3NRNLOR", "AIDA" "SKK4VAR6JPZHAIWY"],
    passes ["AIDAN", "AROA" "XXXXXXXXXXXXXXXXX"];
    "aws-session-token", &["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"], Varied(12),
    "(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/]{80,}={0,2}",
    finds [
        "IQoJb3JpZ2lu"
          "X2VjdEK3M7vJDwxTG6jeZw4UtD39Qvfa87l/XpIsbrNi1vdq0nEeTAFpnzvQFyEpcSI6nQEZvZWCHqq7y0IKLNBmry"
          "okO8NYsCmO3xSz7YsNLA4mrY=",
        "FwoGZXIvYXdz"
          "E0wGfwGoFSBFSoyC2mW0UIqsYktkFCBjfw1j58U65mz67ZLlNavyqq36yn29V5ezvnBPiy0k2OkP893KeQzWiM6NZR"
          "9sIM78d3CChumo1aZcknY",
    ],
    passes ["FwoGZXIvYXdzE"];
    "aws-bedrock-key", &["ABSK"], Varied(6),
    "ABSK[A-Za-z0-9+/]{80,}={0,2}",
    finds [
        "ABSK" "QmVkcm9ja0FQSUtleSumNsa8AVbMH8HpATeGSGlfhckcp6KA7c8ACmIbibywuvdIwHDKbq0k+zBP9R/5iyW7ycv1nC"
          "h1D64SRLjyYvJwHKvmynntRYmeQ4MJgIOKM+gX=",
    ],
    passes ["ABSK" "IRTS"];
    "aws-bedrock-short-lived-key", &["bedrock-api-key-"], Varied(8),
    "bedrock-api-key-[A-Za-z0-9+/]{20,}={0,2}",
    finds [
        "bedrock-api-" "key-YmVkcm9jay5hbWF6b25hd3MuY29t",
        "bedrock-api-"
          "key-YmVkcm9jay5hbWF6b25hd3MuY29tY/dc08aQ/2VvRDMYJZPPc8xbtRhzZXmhKmBhuzlfq0KXb2+vMEYE0TxR3R"
          "ofsh8o4hST0Lbe/KGdamRmqWCCINH8iydyLZXHJO+vv8UFi5mhJu=",
    ],
    passes ["bedrock-api-" "key-rotation"];
    "aws-appsync-key", &["da2-"], Varied(8),
    "da2-[a-z0-9]{26}",
    finds ["da2-" "194dhs28134u87i6pvlm27urrd"],
    passes ["da2-" "stack", "da2-" "xxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "aws-mws-token", &["amzn.mws."], Varied(6),
    r"amzn\.mws\.[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}",
    finds ["amzn.mws." "40ace6f9-3a13-4aaf-9da8-a1eb84f8d1c8"],
    passes ["amzn.mws." "client", "amzn.mws." "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "amazon-oauth-client-secret", &["amzn1.oa2-cs.v1."], Varied(8),
    r"amzn1\.oa2-cs\.v1\.[A-Fa-f0-9]{32,}",
    finds ["amzn1.oa2-cs" ".v1.f3b3401007cbb38a8e92bf7b588d5e1591f1901b0fb5f7d12d482e537c201414"],
    passes [
        "amzn1.oa2-cs" ".v1.short",
        "amzn1.oa2-cs" ".v1.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "amazon-lwa-token", &["Atza|", "Atzr|", "Atc|"], Varied(10),
    r"At(?:za|zr|c)\|[A-Za-z0-9+/_=-]{32,}",
    finds [
        "Atza|" "LcGBm2BBY4hwmLtit7e3Rgh6AxHXk9UArCu6U0gGOZBoA1VRyjbdSz9CrUypKmLsmSLy_ILFQPv1HK_fBKHwmfkdiT"
          "3mlPnQryJ_sbk2enTQie",
        "Atzr|" "iJ0GyQNG5Oy8T9ziVHP66g-mu3nw-EI4ZPqhuXiksVRs3iidWQMKpy21OfkbkErC0wnzFz6bG6da5ej-Il5LcDvl12"
          "K-ZcNzoerV9_3LNJXVDM",
    ],
    passes ["Atza|" "token"];
    "aws-presigned-signature", &["X-Amz-Signature=", "X-Goog-Signature="], Varied(7),
    "X-(?:Amz|Goog)-Signature=(?P<secret>[A-Fa-f0-9]{64,})",
    finds [
        "X-Amz-Signat" "ure=cac20e5f55e00178521a480967cde5e7da0aef8e4f10f0ad9435e13b39cbd65d",
        "X-Goog-Signa"
          "ture=52153f828dc1b1990f95c9dd925d202a87622b76ab3fc474bce45e0420646da26ca0cc3a299ac2ed42028"
          "ec22dd2359e2d5dea9a2cc03d",
    ],
    passes [
        "X-Amz-Signat" "ure=abc",
        "X-Amz-Signat" "ure=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "aws-presigned-session", &["X-Amz-Security-Token="], Varied(12),
    "X-Amz-Security-Token=(?P<secret>[A-Za-z0-9+/%=_-]{40,})",
    finds [
        "X-Amz-Securi"
          "ty-Token=IQoJb3JpZ2luX2VjEIqft3sHir-ertIt8s49dF4G2bprs6uQeTSEyG01AbpEcyOLCDq4UntPNAlTtrYpK"
          "zHLt3k9ekGD69n70DHOwJP2sz9fos-ZIxAIiIviNdUyY6T%3D",
    ],
    passes ["X-Amz-Securi" "ty-Token=none"];
    "google-api-key", &["AIza"], Varied(8),
    "AIza[A-Za-z0-9_-]{35}",
    finds ["AIza" "SyAmBsU-FRhk6LYKVe9bT14hSSvrftGk4rQ"],
    passes ["AIza" "Tesb6Tscfcni8vIp", "AIza" "SyxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxQ"];
    "google-oauth-access-token", &["ya29."], Varied(10),
    r"ya29\.(?:[a-z]\.)?[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]{20,})*",
    finds [
        "ya29." "a08MD_O3liE26NHL7a8sDtjqQEHlijF7kdC393QB8kgEeAvXdEZuYsy0JrQK2Y9QyfoxlY9rxMTn6MD_4w1CAY5T8M"
          "Ufd1m_MW1Si7a76KaOeChs",
        "ya29." "c.QfACG-X9vi32KY58526v7zWQ9hUcC_VGIfBETQOVpobXy1TMkhO3ttwLY-6ShSI7eg-0uGtUese_zOjbUY6UHOqn"
          "6uMasKR327hPDdS8-VvPuy",
        "ya29." "GgUqF-Ll05skawU5sDPcigoISVV3dLg5oK5ebtFCh64JFkaZsV_Vj_wauJfg",
    ],
    passes ["ya29." "example"];
    "google-oauth-client-secret", &["GOCSPX-"], Varied(8),
    "GOCSPX-[A-Za-z0-9_-]{24,}",
    finds ["GOCSPX-" "w7mYDxNHHK6WoKhRSZ3oKhTZ4NfN"],
    passes ["GOCSPX-" "secret", "GOCSPX-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "google-oauth-refresh-token", &["1//0", "1/"], Entropy(420),
    "1//?[0-9A-Za-z][A-Za-z0-9_-]{40,}",
    finds [
        "1//0" "wNWfMCneCflvgVVg2hF8q_N9Cz8BDjcmsvB-w-CdpoHkQrcmOWB4VubpmiJLO7WnllNRMYJ3VFvKMxPP28BcCigR9q"
          "ftrkfEyUVQ",
        "1/" "yw1uFerJT4zxds5yg4_7NJLMRMFbUx27hPKi-w7y-16",
    ],
    passes ["1//0", "1/" "2024-a-rather-long-path-segment-that-goes-on-and-on"];
    "google-oauth-code", &["4/0A"], Varied(12),
    "4/0A[A-Za-z0-9_-]{50,}",
    finds ["4/0A" "QdUBNnmlrQiqOep2hrkKzQcbDhem6OsIkQFfDnT4TySuuFdMgxCwLLYJKCTjEzGiSJLNn3"],
    passes ["4/0A", "4/0A" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "google-hmac-key", &["GOOG"], Varied(9),
    "GOOG(?:1E[A-Z0-9]{40,60}|[A-Z0-9]{20})",
    finds ["GOOG" "1ED6AU3VXOCTGGUOSI3IIYE5PFOHEG6PNJJY4LILO5MT75FKHTVIXROIF", "GOOG" "RJGX6XEKH4Q5OSKV3RXP"],
    passes ["GOOGLE", "GOOG" "1EXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "google-fcm-server-key", &["AAAA"], Varied(12),
    "AAAA[A-Za-z0-9_-]{7}:[A-Za-z0-9_-]{134,}",
    finds [
        "AAAA" "GKToPOw:APA91bXSlqCZh9XERkFO3r5hnitLIWZ4LnYQUUFWfgAm7NzL8kx7Zei9G1FuW3YFHFVCBdexe2a4DIP2s0"
          "RuPFFFsNPpc1JBfXTD__odjyrmZfB97R82FIjC1HdnQCtW0_chL-QWEBTR",
    ],
    passes ["AAAA" "AAAAAAA:1"];
    "google-recaptcha-key", &["6L"], Varied(10),
    "6L[cdef][A-Za-z0-9_-]{5}AAAAA[A-Za-z0-9_-]{27}",
    finds ["6L" "eHRARtAAAAAPDbqppjS3zmg6MNyiBIeueuY9Jz"],
    passes ["6Le", "6L" "exxxxxAAAAAxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "google-calendar-private-address", &["private-"], Varied(7),
    "private-[a-f0-9]{32}",
    finds ["private-" "1d62410e85892a4b1f987289097d11cc"],
    passes ["private-" "network-0", "private-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "azure-shared-access-signature", &["sig="], Varied(10),
    "sig=(?P<secret>(?:[A-Za-z0-9_-]|%2[BbFf]|[+/]){38,90}(?:%3[Dd]|=){0,2})",
    finds [
        "sig=" "RFGIkA1rsFkb%2B4UcR3Rfj0hYealCphU7V%2FA68viVhX4%3D",
        "sig=" "PjUFqoXY95Pl/44NPuztP+/qFIzdN8zqJWDUzrzyskT=",
        "sig=" "puQoF2UE1EszOa8sKgJZdCgCgrZD-XqfMGvj_1kirjH",
    ],
    passes ["sig=" "abc", "sig=" "xxxxxxxxxxxx%2Bxxxxxxxxxxxxxxxxxxxx%2Fxxxxxxxxx%3D"];
    "azure-storage-account-key", &["AccountKey=", "SharedAccessKey="], Varied(10),
    "(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{42,}={0,2})",
    finds [
        "AccountKey=" "tK6b+s4Q/JfBV0GPAYQ6mrbcy9rewb4wnRYCOP9aInE2BDC+Gv++h3BiFOW+h+aCdLw7+SxTvcWg+voyo27Qza==",
        "SharedAccess" "Key=MvObv80AMVnsjsLVnpip+QouVEytAjnJQVt709cr8f6=",
    ],
    passes ["AccountKey=" "{2}"];
    "azure-refresh-token", &["0.A", "1.A"], Varied(14),
    r"[01]\.A[A-Za-z0-9_-]{50,}(?:\.[0-9])?\.Ag[A-Za-z0-9_-]{60,}(?:\.A[A-Za-z0-9_-]{20,})?",
    finds [
        "0.A" "T9fNAKcgAgL3hE1W_vu9qqVPaEBydHPNczwURDmfWPqtVSh1am1kJjWYGKMT.AgIF5JiISnGr-UUP4aRz_a23ivqwD"
          "mfD50ZWEiK-s9L21EzOoRDrR9fwHBhL7y888TxtVN5e-4MRENfKkLELVeaLOFXZcVCHZTyS30On_JhCFT0p",
        "1.A" "pDtAkiXFPRsqwP-YrGcMXhrhI-cOu2wuUGKYXkUhpRmyLm9ZlOlU.AgABtykEOgJ5VQOEEi2JR_AK_JNI13tSdDMUO"
          "d-t06jnZKGQs9PK123ccz9P1ky6FvlZPY6X3EiyipqNgpdHjEmkyLd5K9mRFa6WYQ9Q5OZVxtyIGp",
    ],
    passes ["0.A"];
    "microsoft-account-token", &["M.C", "M.R", "EwB"], Varied(14),
    r"(?:M\.[CR][0-9]+_[A-Z0-9]+\.[A-Za-z0-9.!*$_-]{80,}|EwB[A-Za-z0-9+/]{200,}={0,2})",
    finds [
        "M.C" "512_BAY.0.U.-oTJTYANJOL-VlHdCzUcWtdLj8aSc4HWqji9w-1grl66jxZ89F8GFOcJC2yyBfgGE2aifK91s9zMvV"
          "3eaGd5DANDPb1Y4VZMHYnUkTkAbMRjcVd",
        "EwB" "ZwUt+Cr/xCcW/i6AZtpxLUzACJM0VRUELHhLjDCW9baygMe5bCeI4HKThfI1qPmS7L/IBNPeJ2xG5/Dj81hOuCAMlX"
          "QZbUUJu5h+eYdHsxa4g7Nk9SC2xZr6qDdGAIZuUj5NjQPS3ia6go38cNAOc8jxg9Dut+bgqat2jYS1LSRMjmHqByVp"
          "DLOgYEKFunZqHeLFuO26X3wB4zq1TFXzG3cLNWGfCI/7dagfX5Uwa4REq2+dr86ho9G8GAOmhIXc9osHQAbTWkKC6z"
          "r87sG05fORrXkwx82wd7WH2m9FSzC718fP8aBIj9fm1LhTMCdVnLatkiBLWwukwvzw39xjRwsjVv286YD1ygrFKJsD"
          "7SkO3DT275NOrlZTJh/bvUYObRykMshX93cf2BDgCfTcBDXnkRjGpw/EcGqACJph/Afm1Oh9zntJE/Q7az4LmxjytF"
          "pfxbCCa8pL9kQoRI3yyhoKowsGiSEz+bNAppm5zge2ElYc3iMJvNQPMKmNgEW+l5Wq6tQvm58UoyWWF6Ggj2YhCd82"
          "PQ9iXP18z04NqDwEhnM5cy8YvgIP3AUCMcvAbfJLuXPiStb2OOsSpToLIp3w",
    ],
    passes ["M.C1"];
    "azure-app-configuration", &["Secret="], Varied(10),
    "Secret=(?P<secret>[A-Za-z0-9+/]{36,90}=)",
    finds ["Secret=" "MDKbh9c/6Q+JsmczvYfzSRtSfIL0qzeBPURm7kzSxXb="],
    passes ["Secret=", "Secret=" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="];
    "alibaba-access-key-id", &["LTAI"], Varied(7),
    "LTAI[A-Za-z0-9]{12,26}",
    finds ["LTAI" "5tq8CiufOTTu8Qh9nbUc", "LTAI" "UZs2qwjyREhH", "LTAI" "47lvknsb041hipyp9tv6"],
    passes ["LTAIR", "LTAI" "5txxxxxxxxxxxxxxxxxx"];
    "alibaba-sts-token", &["STS."], Varied(9),
    r"STS\.[A-Za-z0-9]{20,}",
    finds ["STS." "NnaFMXam7WzX3hWK0vhU3hrAd"],
    passes ["STS." "getCallerIdentity", "STS." "Nxxxxxxxxxxxxxxxxxxxxxxxx"];
    "tencent-secret-id", &["AKID"], Varied(9),
    "AKID[A-Za-z0-9]{32,64}",
    finds [
        "AKID" "GfHnccDgjlzE1thRMtFhASS5nWe3uDJW",
        "AKID" "zIzZR8oOxRhO3ICXLIgnlt6TG31gR2pLvj6pruFlcRqwynnYEwTBLibpPMyVh",
    ],
    passes ["AKID" "ENTITY", "AKID" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "volcengine-access-key", &["AKLT", "AKTP"], Varied(9),
    "AK(?:LT|TP)[A-Za-z0-9+/_-]{40,}={0,2}",
    finds [
        "AKLT" "jCcEGZ0k3XaC6pu54j9YtlCojPkZdVrisoQfm3ZGdlOm",
        "AKTP" "9GcQDxNFs9UQpPXWel3EEVgZYedTZiz2bsLfhMksbLfWRp",
    ],
    passes ["AKLT", "AKLT" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "baidu-access-key", &["ALTAK"], Varied(8),
    "ALTAK-?[A-Za-z0-9]{21,}",
    finds ["ALTAK" "9WIKgjUZt4zgllXWRCgch", "ALTAK" "-2otNDZnJbhkUtDITx71SO"],
    passes ["ALTAK", "ALTAK" "xxxxxxxxxxxxxxxxxxxxx"];
    "baidu-bce-key", &["bce-v3/"], Varied(10),
    "bce-v3/ALTAK-[A-Za-z0-9]{21,}/[a-f0-9]{40}",
    finds ["bce-v3/" "ALTAK-3H3AVoT34lIjMdXq5Tlhb/e00fe69ac497d40981744c55c18074071cdb2f5e"],
    passes [
        "bce-v3/" "docs",
        "bce-v3/" "ALTAK-xxxxxxxxxxxxxxxxxxxxx/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_", "doapi_v1_"], Varied(8),
    "do(?:p|o|r|api)_v1_[A-Za-z0-9]{60,}",
    finds [
        "dop_v1_" "620c0b73c8dbafb2674b061aabc8b147bc383dd53ce1bcf75ab18f250cbbbcb7",
        "doo_v1_" "3df00e588f5a3ce3ab7fccf48e6961edc5725c7829936c97009703605fe2beb7",
        "dor_v1_" "b93554452445c2c87ca167394b04dff3018b7765968a72dce3c2f93baacb4bf9",
    ],
    passes ["dop_v1_" "token", "dop_v1_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "digitalocean-spaces-key", &["DO0", "DO8"], Varied(7),
    "DO[08][A-Z0-9]{17}",
    finds ["DO0" "0WMISS64NUNGANU4P", "DO8" "01WHDMLZEMCRU2B2V"],
    passes ["DO0", "DO0" "0XXXXXXXXXXXXXXXX"];
    "heroku-key", &["HRKU-"], Varied(8),
    "HRKU-[A-Za-z0-9_-]{36,}",
    finds [
        "HRKU-" "AA5wMilRIDO16A0qzGpgKm4EoS2zJdgArnTV5hx4dqfCVtOxyTaZXL6J_CKU",
        "HRKU-" "58979818-2ab0-424f-8608-718726425ab8",
    ],
    passes ["HRKU-" "token", "HRKU-" "AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "fly-token", &["fo1_", "fm1", "fm2_"], Varied(10),
    "f(?:o1_[A-Za-z0-9_-]{36,}|m1[ar]_[A-Za-z0-9+/]{60,}={0,3}|m2_[A-Za-z0-9+/]{60,}={0,3})",
    finds [
        "fo1_" "UkdEv-0TwgYq3kP9HSxOR7cHqEkoO9RKvTCGuS7annv",
        "fm1" "r_4GSujLWiZ3V57G/tq0KxnyLUJNZGUrWgkSJGQ/Q96tOG0qttDeP7WyznwwjqghF6f3S6uQF+IjJlmm8MDUfynq4t"
          "oCC6u5ZQJoVb4sXaXQm2Md",
        "fm1" "a_7sXzz9B+C3Sqsb0tiL9z4wsYIFBsFwEjHs/I80W2mh9BSXhwy1bEQDNz57DW8CHr0SZbFym0j2GrvpV112Emg6So"
          "Mpqny92xEoPn0wr8EP0M/Z",
        "fm2_" "l9y6EbmmhnpZ3dc1l3See3YTFznF4ItzsRPvbmv1HWyBnuni6X+68g1yEHCs4kKj8pEIQLm+/8zESLk22pGSmsw/Br"
          "e3Upy0XBuXELc4sWLQ4A=",
    ],
    passes ["fm2_" "tuner", "fo1_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cloudflare-origin-ca-key", &["v1.0-"], Varied(8),
    r"v1\.0-[A-Za-z0-9]{24}-[A-Za-z0-9]{100,}",
    finds [
        "v1.0-" "0a7fd414e43e6f5ab48612f1-9bef4adfe5d5aa0f1b6533086c8acda5cc561d403d4621a208b3e030f8f0646ef"
          "0e37b0440eefd1d7acfe805ce6dbcb4c2b6e54df6b171",
    ],
    passes ["v1.0-" "beta"];
    "cloudflare-token", &["cfut_", "cfat_", "cfk_", "cfoat_", "cfort_"], Varied(10),
    "cf(?:ut|at|k|oat|ort)_[A-Za-z0-9_-]{40,}",
    finds [
        "cfut_" "2dR3cU4cwVlu6elCHrONO7KiukEWgO3BEZhZaK28c0937f50",
        "cfat_" "yfLE19d3W3TS6jIwiVyLY4r5PCjjNh4hSVGv3UEu91b2d2a9",
        "cfk_" "L2y3bb7SpIvI9N7P1BoHa3MdDPskenR9EsW7uIbm01afb424",
    ],
    passes ["cfk_" "name", "cfut_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cloudflare-tunnel-token", &["eyJhIjoi"], Varied(14),
    "eyJhIjoi[A-Za-z0-9+/_-]{100,}={0,2}",
    finds [
        "eyJhIjoi" "Pu9AGQVgpBNDTi50bGBJnI28b6rfUMUKUNE18LZOWcLTLZ6IXpBk41LQ2aO119Leexc5AN8oCCfWJLAVISLebhdB1Z"
          "PQpKYTKKWapED6dDdqvX",
    ],
    passes ["eyJhIjoi" "YiJ9"];
    "vercel-token", &["vcp_", "vci_", "vca_", "vcr_", "vck_", "vcs_"], Varied(10),
    "vc[piarks]_[A-Za-z0-9]{24,}",
    finds [
        "vcp_" "HtyP0rFIhV77rcCSQw49GMMEL2Rh7tRjA424eUgBiBMyZ4c28FaldPZk",
        "vck_" "c3DewazmAwvLcbx4KRaSPCfBN2GvcPz87J0R1g5UoCmiFqIDfJeRtFEjJ4Mo",
    ],
    passes ["vci_" "slot", "vcp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "vercel-blob-token", &["vercel_blob_rw_"], Varied(10),
    "vercel_blob_rw_[A-Za-z0-9]{10,}_[A-Za-z0-9]{24,}",
    finds ["vercel_blob_" "rw_VBEsaCAnvk9PIGkF_qArZP3psTeLuvDcpnR2l728r3RpyfT"],
    passes ["vercel_blob_" "rw_example", "vercel_blob_" "rw_xxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "netlify-token", &["nfp_", "nfc_", "nfo_", "nfu_", "nfb_"], Entropy(400),
    "nf[pcoub]_[A-Za-z0-9_]{36,}",
    finds ["nfp_" "ZhAKFKC9KgdKcwjBwdkyGFQbVrEsmXVB6XIp", "nfc_" "ywLGcjRIhQvRdiUTiogu9RkXe6KzXQ6LGPHG"],
    passes ["nfc_" "reader_name", "nfp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "render-key", &["rnd_"], Entropy(400),
    "rnd_[A-Za-z0-9]{28,36}",
    finds ["rnd_" "t82e3vWMAETQ6Zv0XSlAzbhNuTAPlRWR"],
    passes ["rnd_" "seed_for_the_whole_test_run", "rnd_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "railway-token", &["rw_Fe26.", "rwsk_"], Varied(10),
    r"(?:rw_Fe26\.[A-Za-z0-9*._~-]{60,}|rwsk_[A-Za-z0-9_-]{32,})",
    finds [
        "rw_Fe26." "2**113448c4d69b2ac62b420e772f4c44aaba3f0eb56bd7f06bd6b7796aabdb2f82*KUr-msiwju6-VYXno-6vby"
          "PJhZfk67rOQ4yoDT9rxzp",
    ],
    passes ["rw_Fe26.2"];
    "scalingo-token", &["tk-us-"], Varied(10),
    "tk-us-[A-Za-z0-9_-]{40,}",
    finds ["tk-us-" "Z7-WB78VbPY346-PrxyzjgdItAf4SkMLuawOiTs4LHZqlf3h"],
    passes ["tk-us-" "east-1", "tk-us-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "scaleway-access-key", &["SCW"], Varied(8),
    "SCW[A-Z0-9]{17}",
    finds ["SCW" "NXXS53JYWMXMO2Z8S"],
    passes ["SCW" "ORKSPACE", "SCW" "XXXXXXXXXXXXXXXXX"];
    "exoscale-key", &["EXO"], Varied(7),
    "EXO[a-f0-9]{24,32}",
    finds ["EXO" "6a687611a157a5a5b9cff5e6"],
    passes ["EXO" "PLANET", "EXO" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "upcloud-token", &["ucat_"], Varied(8),
    "ucat_[A-Z0-9]{20,}",
    finds ["ucat_" "01HKW2GOAFVI3DTAAR2WNO2CO7"],
    passes ["ucat_" "name", "ucat_" "01XXXXXXXXXXXXXXXXXXXXXXXX"];
    "ibm-cloud-key", &["ApiKey-"], Varied(6),
    "ApiKey-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    finds ["ApiKey-" "2fa94be0-45a8-46bc-a567-ccac7a00e5e1"],
    passes ["ApiKey-" "rotation", "ApiKey-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "akamai-edgegrid-token", &["akab-"], Varied(8),
    "akab-[a-z0-9]{16}-[a-z0-9]{16}",
    finds ["akab-" "uuyqgb74u5k0e9dj-yi99uxx3df93eb2j"],
    passes ["akab-" "example", "akab-" "xxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx"];
    "yandex-iam-token", &["t1."], Entropy(440),
    r"t1\.[A-Za-z0-9_-]+={0,2}(?:\.[A-Za-z0-9_-]+={0,2})*\.?[A-Za-z0-9_-]{60,}={0,2}",
    finds [
        "t1." "eEbfxE5VbKnJCkLdoX4PtGwoDjTTiwUxn06HlCelaO-eUvoeNyHM_muxyNeR.Nl7g4fALgrspWLny0n8A1jTU02vii"
          "NJ4umSpBHkaOaqC0I5-K8hjhV9W3UHNAXNGN6Tehl5xCIT3UMgKRjm-A7==",
    ],
    passes ["t1." "micro", "t1." "row_number"];
    "yandex-api-key", &["AQVN"], Varied(10),
    "AQVN[A-Za-z0-9_-]{35,38}",
    finds ["AQVN" "5PqHtbqPgx9ZNK5YYiapvjZs7Yhps3X6nKK"],
    passes ["AQVN", "AQVN" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "yandex-static-key", &["YC"], Entropy(410),
    "YC[A-Za-z0-9_-]{38}",
    finds ["YC" "67SxxND9kchzq7BkiPrdi3cziqsPifl4Nhnyp7", "YC" "AJEEorGaegewx5FTGMvy7i_wysno8jqx4caXXw"],
    passes ["YC" "bCr", "YC" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx7"];
    "yandex-oauth-token", &["y0_", "y1_"], Varied(12),
    "y[0-3]_[A-Za-z0-9_-]{50,}",
    finds ["y0_" "Ag9-dSpdHhl4C6Nk1_AvcA4K4cDHj_saX3KSm9YwP501HR-wwD2fFc-5"],
    passes ["y0_" "offset", "y0_" "Agxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "openshift-token", &["sha256~"], Varied(8),
    "sha256~[A-Za-z0-9_-]{43}",
    finds ["sha256~" "jDgW0iL3Kfa77Wr54soFPN1JVNugVZ8uq2-aRMiPNo8"],
    passes ["sha256~" "digest", "sha256~" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx8"];
    "rancher-token", &["token-", "kubeconfig-"], Varied(10),
    "(?:token|kubeconfig-[a-z0-9]+)-[a-z0-9]{5}:[a-z0-9]{50,}",
    finds ["token-" "0f2wz:ovssetdffca6une16aio4xyy8z4bv425wiwqbt7wkkgwsz9omjdltc"],
    passes [
        "token-" "bucket:refill",
        "token-" "xxxxx:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "jdcloud-access-key", &["JDC_"], Varied(7),
    "JDC_[A-Z0-9]{28,32}",
    finds ["JDC_" "35A00AC4E3C758F5F2F9B267D49A"],
    passes ["JDC_" "NAME", "JDC_" "XXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
};
