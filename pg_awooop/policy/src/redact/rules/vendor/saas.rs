//! Tokens of office, design, marketing and social services.
//!
//! Lengths: documentation of the vendors; gitleaks, Nosey Parker, Kingfisher and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "adobe-client-secret", &["p8e-"], Varied(8),
    "p8e-[A-Za-z0-9-]{32}",
    finds ["p8e-" "wJ5hdLAg8IRd01cpaLxbJQtuVcHKCD8T", "p8e-" "cs9oi2rvqxuatpvg7o1984l2qgf0hq28"],
    passes ["p8e-" "client", "p8e-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "linear-token", &["lin_api_", "lin_oauth_", "lin_wh_"], Varied(8),
    "lin_(?:api|oauth|wh)_[A-Za-z0-9]{32,}",
    finds [
        "lin_api_" "w2Nxz7Xm2FIQwBXPnYxQsSLCRpDnD5gJHPxMYxrR",
        "lin_oauth_" "3f532791d31d646bf3ecbbb7b588f055a1b67c4b8f46ca45f018e0eb83360811",
        "lin_wh_" "3Af2KDBTZYX4CBrVQfPjQAlRVHlkjNHQIBs2jJN6",
    ],
    passes ["lin_api_" "client", "lin_api_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "notion-token", &["ntn_"], Varied(10),
    "ntn_[0-9]{8,12}[A-Za-z0-9]{32,}",
    finds ["ntn_" "86614003764r4YwSLweLZ7twrLPZsUmjEfHXcVR4PgzLJC"],
    passes ["ntn_" "12345678901", "ntn_" "00000000000xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "notion-legacy-token", &["secret_"], Entropy(430),
    "secret_[A-Za-z0-9]{43}",
    finds ["secret_" "phRs5LoPSKvUJ1Zx4G0MrHizYab7uOZgzBsOUUB9Xil"],
    passes [
        "secret_" "key_base",
        "secret_" "manager_rotation_lambda_function_name",
        "secret_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "figma-token", &["figd_", "figo_", "figor_", "figp_", "figu_", "figuh_", "figoh_"], Varied(10),
    "fig(?:d|p|[uo][rh]?)_[A-Za-z0-9_=-]{36,}",
    finds [
        "figd_" "Usnk2i9LV5EOGP3PZe-SZ1ePrIUOSvZsqKWaZdWb",
        "figo_" "8vKcRzZpO5i91TGlg93WgkAWl7rra34snQODQXRD",
        "figp_" "Wlt7i_v_SJFHdCoazZsU7X9oYbokrXo4wuVrALCteIN",
    ],
    passes ["figd_" "name", "figd_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "asana-token", &["0/", "1/", "2/"], Varied(7),
    "(?:[12]/[0-9]{14,20}(?:/[0-9]{14,20})?:[a-f0-9]{32}|0/[a-f0-9]{32})",
    finds [
        "1/" "9662602295196143:905e7a54480111d8529ef21a7b7cc85c",
        "2/" "3566241374872322/6824931674446920:6ab72eadeedac81d5cd44194c47f4a73",
        "0/" "f26abf9334a32e7c3200d9a4f11e46c4",
    ],
    passes ["1/2", "0/" "100", "1/" "0000000000000000:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "clickup-token", &["pk_"], Varied(8),
    "pk_[0-9]{6,10}_[A-Z0-9]{32}",
    finds ["pk_" "36118843_YUGW2PL3DMHGMXWLVCNNOSH0PE5ZOYC2"],
    passes ["pk_" "12345678_name", "pk_" "00000000_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "hubspot-token", &["pat-na", "pat-eu", "pat-ap"], Varied(6),
    "pat-(?:na|eu|ap)[0-9]-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}",
    finds [
        "pat-na" "1-8bbf221d-a0de-46d2-83d1-77967f771b7a",
        "pat-eu" "1-4b7672da-ce76-48ee-89b3-63875e53c0c0",
        "pat-na" "2-85804ce8-86cf-4a31-8033-96c44a855c0f",
    ],
    passes ["pat-na" "t-gateway", "pat-na" "1-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "hubspot-developer-key", &["na1-", "eu1-"], Varied(6),
    "(?:na|eu)1-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    finds ["na1-" "a1a4-6aea-360c-5656ec15df0b"],
    passes ["eu1-" "central", "na1-" "xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "typeform-token", &["tfp_"], Entropy(420),
    "tfp_[A-Za-z0-9_-]{40,}",
    finds [
        "tfp_" "nqNdiHqHepqXLQp94AbxRvA5NnP3qlVHL87JO8e3flVb",
        "tfp_" "Jb1m0FVTnzOQFzcXTkbO3RN8XaJLKk8qNvgrZrBlPkPy_vOAtqMuLalxm",
    ],
    passes [
        "tfp_" "false_positive_rate_of_the_classifier_on_the_test_split",
        "tfp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "dropbox-access-token", &["sl."], Varied(12),
    r"sl\.(?:u\.|B\.)?[A-Za-z0-9_-]{120,}",
    finds [
        "sl." "X5LGN9WHgUe4wkCou7J_E_ra51gtkznzDzIxoxiCJcyzYbe-nc3EM6kNGdLtQLT7l5gFHls4UCL84e6Whe1Hxiz_H5"
          "vAQ9pmdUQCIpLk7WP-NgzmgS8BxaDARRerX_zvux2jcxolUw",
        "sl." "u.shnu7cVU67jekBU7BZe2z-3gI51lifMzyY5IdhJZ01TTVallsl_YLLsDBLX9IeKgqhOjJy6oCxpjugKOqwJL21Wo"
          "D-4FqaRx9VhMA9YudNAAunUsw_4r0FfBkKsb-QyW5CK3YD9TqvzB5MwP8EKJ4YuRYBio5raU",
    ],
    passes ["sl." "dat"];
    "frameio-token", &["fio-u-"], Varied(10),
    "fio-u-[A-Za-z0-9_=-]{56,}",
    finds ["fio-u-" "iC5ODoUBttbJYYnIkLJvIAU61SKGFrzPwjZtumhGVcXId43FM9pxj10FGOTmHHYW"],
    passes ["fio-u-" "boot", "fio-u-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "harness-token", &["pat.", "sat."], Varied(8),
    r"[ps]at\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
    finds [
        "pat." "BJ-FTe6V3swCKWAVIKveuR.0ba58e0af4eb251d1b4df4d8.f2GncDwoexzSmBZzvJUk",
        "sat." "6hUdTWUTQy4uKaX3RpKZs2.p7i58as5bwpwo6u5f16h1xh2.vlv8jy5xvl0ldyeewi5t",
    ],
    passes ["pat." "name", "pat." "xxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxx"];
    "settlemint-token", &["sm_pat_", "sm_aat_", "sm_sat_"], Varied(6),
    "sm_[pas]at_[A-Za-z0-9]{16,}",
    finds ["sm_pat_" "XIhfgrmtOsNkahDL", "sm_aat_" "2ZFSCIozdT6emhlt", "sm_sat_" "Vl12pd9jUuXT3WFH"],
    passes ["sm_pat_" "name", "sm_pat_" "xxxxxxxxxxxxxxxx"];
    "intra42-secret", &["s-s4t2ud-", "s-s4t2af-", "u-s4t2ud-", "u-s4t2af-"], Varied(7),
    "[su]-s4t2(?:ud|af)-[A-Fa-f0-9]{60,}",
    finds [
        "s-s4t2ud-" "74a3fb404ba0a91ff1b7bad8bdd1e1d424c202853776b1fb96e374aab0561a20",
        "s-s4t2af-" "8808d83f0c446d5e3a8e2d3773f02cefde18549c43cc3e37ca149c9c554130df",
        "u-s4t2ud-" "cc5d9c93e87ab1430478708d8922cf89100ac7001f17925f8de8877968e7e634",
    ],
    passes ["s-s4t2ud-x", "s-s4t2ud-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "facebook-access-token", &["EAA"], Varied(12),
    "EAA[A-Za-z0-9]{80,}(?:ZD)?",
    finds [
        "EAA" "C6D53sU8AvxBNGGrcIDjxFcAK0UVOoku0QkA8FzGgmapGPjQR6vdx9jM2HcEiJg5PtzRBMGXJSOUWFpMn0pNcms6dd"
          "1Spf7RP7KbLhu4323YWEyZD",
        "EAA" "MS52wvJVpDptkTcjoaapS7QcLjBfDQV2KbQNNEoD2EqvGYTEk7KxphD8B0XnW3Z6uclDKZOaE8uYGiTAQXsI3E3Hi9"
          "PrOfWN1fYVr",
        "EAA" "GdOhdRWTqB8eQpQKUhuMBcVXmJVxe97R4vulDiVu5fMRYJCiC7stMuVq5D7lQgPPu7HITOG246dQo65Rt0sYCko9YD"
          "SynpGVwkbOyu6nwhaQvxM",
        "EAA" "CEdEose0cBAIWoVkHCYmXIZl4icaQOSRFKELTf2Q1v2WEpzUpS4mpsOiqqg3J1SeKpOLZeQ8qNTY1rHJUNTmMu7aIq"
          "i48ocOaXUvM",
    ],
    passes ["EAAA"];
    "instagram-token", &["IGQ", "IGAA"], Varied(12),
    "IG(?:Q[A-Z]|AA)[A-Za-z0-9_-]{80,}",
    finds [
        "IGQ" "VJ7fLWsnhP5c8D_39rKcV2xckZv1XlAwsbWn2Q1QBJ3LvmBYk7XYxSV0s6crIci5D_Xh52GssFwcq76Le_-73EiG_J"
          "pt5_gHZC84js-hJ-4QmYkx",
        "IGAA" "QacJXQEA9JsCNzpmHkt9dEQCryIPEwvLjfKl2jARv4g60rcss1TjUkn7x0ZLzspHKhDl5MiBBSxqJxusp93Lg6Grok"
          "4DGb4dH8BukhS0ShYLkl",
    ],
    passes ["IGQ" "UERY"];
    "threads-token", &["THAA", "THQW"], Varied(12),
    "TH(?:AA|QW)[A-Za-z0-9_-]{80,}",
    finds [
        "THAA" "1aOndUnDEnZAO15sc0qMzy3MgLjk1NB2xN7d6R4WAeVFrnPYs0zUxLuzxO5miQLPIxUJhwDRvOYp2uKU6wI091BDK4"
          "9zkipEWmm09HtXbypGYN",
    ],
    passes ["THAAD"];
    "twitter-bearer-token", &["AAAAAAAAAAAAAAAAAAAA"], Varied(12),
    "A{20,24}[A-Za-z0-9%]{70,}",
    finds [
        "AAAAAAAAAAAA"
          "AAAAAAAAAWHt25zmNHgrccHvRzPVDYEDXIw6iCRofSOwAlkBu%3D3gTGEuDQd5XH7mQ30Y9uuuHP40RjC2x6g4GxZW"
          "Vkb7kF0ntCQ3",
    ],
    passes ["AAAAAAAAAAAA" "AAAAAAAAA"];
    "tiktok-token", &["act.", "rft.", "clt."], Entropy(420),
    r"(?:act|rft|clt)\.[0-9A-Za-z]{20,}(?:![0-9a-z.]+)?",
    finds [
        "act." "VgRf68Bsqn5KZecfo86uSGetHgjcYGFZvHujXOJ4V0Kwy5561QuUaMBVxOnnTkoCd99ia6ai!4563.va",
        "rft." "fiv0KC2MTxqf89C0QRpYFlAXtoPZEPhd6sB10dKCcqUWWIDQy9O0i29JsQ6M",
    ],
    passes [
        "act." "componentDidMountUnsafely",
        "act." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx!4563.va",
    ];
    "pinterest-token", &["pina_", "pinr_", "pinc_"], Varied(12),
    "pin[arc]_[A-Z0-9]{60,}",
    finds ["pina_" "A39HDYLVBLJ9YO7WO25B0YIBC4SAO1E6Z1CV77KWS2UBMIKYKQBAYHR59QC00Y0QKS4CPFYA8V8E"],
    passes [
        "pina_" "colada",
        "pina_" "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    ];
    "linkedin-token", &["WPL_AP1.", "AQV", "AQU", "AQX", "AQW"], Varied(10),
    r"(?:WPL_AP[01]\.[A-Za-z0-9]{14,}(?:\.[A-Za-z0-9+/=]+)?|AQ[UVWX][A-Za-z0-9_-]{150,})",
    finds [
        "WPL_AP1." "utsPeZPDPww5eigW.V1xJ1v==",
        "AQV" "nVsgp5ana6bpymuVSHm2WX5uvlzbNuiDIXR1zG4nQUyZuTiWM6pUJ10J7S9vxNBiT4OalaXRjoL-JgUHxD1J4VvSdg"
          "5v16ImrYSxS3FXgPjhMACBZCnfYQCkWFtVUpfGOnc870dIGSD-BgW5vZp_iwSRSdalY6L7NFS437r0J8r8p2dxaLzl"
          "ripweOt0SXO2JxTRkVBHmWVOF1SnGW0nQQQL6KwPcQh_JFaBUK5uDNvP-2FVFvccdhPf62xqN1P4US1QG4Ld_BUFvt"
          "6bkkZ7qv0pwOInIF4sMogCxvdgWjmKzUAoTsRyPLCaCpvRNqHjkV9_MejZrM6rWa1eY-O3",
    ],
    passes ["AQUA", "WPL_AP1." "xxxxxxxxxxxxxxxx.xxxxxx=="];
    "zoho-token", &["1000."], Varied(8),
    r"1000\.[a-f0-9]{32}\.[a-f0-9]{32}",
    finds ["1000." "52907f1a4d819c6a15055aba740065c1.d03a478432e5989d03ba668e050d2273"],
    passes ["1000.00", "1000." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "close-key", &["api_"], Entropy(420),
    r"api_[A-Za-z0-9]{20,24}\.[A-Za-z0-9]{20,24}",
    finds ["api_" "dQlfTWfjpgeRVqWA4oYGwy.Q9RQpmkBH353XP1cbp5E2N"],
    passes [
        "api_" "internationalisation.internationalisation",
        "api_" "xxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxx",
    ];
    "nightfall-key", &["NF-"], Varied(8),
    "NF-[A-Za-z0-9]{32}",
    finds ["NF-" "R8ZRh57KZWgbOiO1AAIWxs8UF8axkeTh"],
    passes ["NF-" "0001", "NF-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "kagi-session-link", &["kagi.com/search?token="], Varied(10),
    r"kagi\.com/search\?token=(?P<secret>[A-Za-z0-9_-]{11}\.[A-Za-z0-9_-]{40,})",
    finds ["kagi.com/sea" "rch?token=2PVAtX5CUfL.gHB5pQhtRdMUa2Y5W1xIqt9anUQvNJdytgTUY-BNQbF"],
    passes [
        "kagi.com/search?q=a",
        "kagi.com/sea" "rch?token=xxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "softlayer-url", &["api.softlayer.com/soap/"], Varied(8),
    r"api\.softlayer\.com/soap/v3(?:\.1)?/(?P<secret>[A-Za-z0-9]{64})",
    finds [
        "api.softlaye" "r.com/soap/v3/b83nitw0byq98mecz0gtlw1zt8uehwvm0qrpjgmvrylvo8b997kuk6w5e01erz3g",
        "api.softlaye" "r.com/soap/v3.1/6aef473db3f8d332ac616316d60052e0932d74b094e4c407f4bcedc7f2e73077",
    ],
    passes ["api.softlaye" "r.com/soap/v3/"];
    "besttime-key", &["pri_"], Varied(7),
    "pri_[a-f0-9]{32}",
    finds ["pri_" "2aed7652fc3ccc6454425b0451a9b1c6"],
    passes ["pri_" "key", "pri_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "bannerbear-key", &["bb_pr_", "bb_ma_"], Varied(6),
    "bb_(?:pr|ma)_[a-f0-9]{30}",
    finds ["bb_pr_" "eaec62b447a5b7d0bf78dcc367fd97", "bb_ma_" "e8c7dff2d792b34506191c152a7c86"],
    passes ["bb_pr_" "name", "bb_pr_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "fleetbase-key", &["flb_live_", "flb_test_"], Varied(8),
    "flb_(?:live|test)_[A-Za-z0-9]{20,}",
    finds ["flb_live_" "cdHLy9OGNZo4DmryisL4"],
    passes ["flb_test_" "name", "flb_live_" "xxxxxxxxxxxxxxxxxxxx"];
    "calcom-key", &["cal_live_", "cal_test_", "cal_"], Varied(7),
    "cal_(?:live_|test_)?[a-f0-9]{32}",
    finds ["cal_live_" "a74e7b3f7f9ada29249f5078440507a0", "cal_" "2fb9a5716b916e6e0505b2e187994cbb"],
    passes ["cal_" "event", "cal_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "canva-token", &["cnvca", "cnvos"], Entropy(430),
    "cnv(?:ca|os)[A-Za-z0-9_-]{40,}",
    finds ["cnvca" "p62Q6V9zMnoPhzoYGsmTimqyVkT9LyCUFsc8Kt6HoRsB3QEZ1U"],
    passes ["cnvca" "nvas", "cnvca" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mailsac-key", &["k_"], Entropy(420),
    "k_[A-Za-z0-9]{36,64}",
    finds ["k_" "8Fskw215niCFu1Af00IRHXfXn8eDy9j8xGA9ERNa"],
    passes ["k_" "means", "k_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "portainer-token", &["ptr_"], Entropy(450),
    "ptr_[A-Za-z0-9+/_-]{40,60}={0,2}",
    finds ["ptr_" "EsAWd7osqANZzX/X7QzRS6akXJtv/VJjWwNbwh35Dav="],
    passes [
        "ptr_" "to_the_first_element_of_the_singly_linked_list",
        "ptr_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=",
    ];
    "lark-app-id", &["cli_"], Varied(6),
    "cli_[a-f0-9]{16}",
    finds ["cli_" "adc0af699f2b9300"],
    passes ["cli_" "args", "cli_" "axxxxxxxxxxxxxxx"];
    "smooch-key", &["act_"], Varied(7),
    "act_[a-f0-9]{24}",
    finds ["act_" "0e56ead6ebe3182b42af2f53"],
    passes ["act_on", "act_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "teamwork-token", &["tkn.v1_"], Varied(10),
    r"tkn\.v1_[A-Za-z0-9]{60,}={0,2}",
    finds ["tkn.v1_" "PoeUBKtQ6rqIRjwYE9FeniZLIiO2XYi7HzWi9q2vCb1i3jLqwc2yYeueBIWo4Km9T00HaMN="],
    passes ["tkn.v1_", "tkn.v1_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="];
    "fullstory-key", &["na1.", "eu1."], Varied(12),
    r"(?:na|eu)1\.[A-Za-z0-9+/]{90,}={0,2}",
    finds [
        "na1." "1GXvbIK0bqHenqOuKTyJBYAwC9i3R6wRl3WFwbvDq6qBDw5Cwje+aw3+kpzuqwNbHz+5W0VJ4HByZDnOEFIrSJ+gmP"
          "alOCez0Dw4",
    ],
    passes ["na1." "example"];
    "retool-token", &["retool_"], Varied(8),
    "retool_[A-Za-z0-9]{24,}(?:_[A-Za-z0-9]+)?",
    finds ["retool_" "014hzi0fikdoa3igo2683ko7ebah"],
    passes ["retool_" "workflow", "retool_" "01xxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "apideck-key", &["sk_live_"], Varied(10),
    "sk_live_[A-Za-z0-9-]{80,}",
    finds [
        "sk_live_" "fcae80ae-75b4-4d07-9312-9ac86268849b-mL3jz1xX1qC8rrMmtnpcrVJMWpzByQqbdzam5HXtHUAfBvrD6SgC7"
          "VSx3xaC",
    ],
    passes ["sk_live_"];
    "cloudinary-api-url", &["cloudinary://"], Varied(8),
    "cloudinary://[0-9]{10,20}:(?P<secret>[A-Za-z0-9_-]{20,})@[A-Za-z0-9_-]+",
    finds ["cloudinary:/" "/688636224166125:ZahJSH9FSehsIfuifUmHbrgvcUq@demo"],
    passes ["cloudinary:/" "/demo"];
    "dnsimple-token", &["dnsimple_a_", "dnsimple_u_"], Varied(8),
    "dnsimple_[au]_[A-Za-z0-9]{24,}",
    finds [
        "dnsimple_a_" "4sp8TQ0h3PUvsZHAYK84dHhFz8aClyaA",
        "dnsimple_u_" "Rwy5SThaDhmFOOMILgp79YjrOWVHThrF",
    ],
    passes ["dnsimple_a_" "name", "dnsimple_a_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "raycast-key", &["rca_"], Varied(7),
    "rca_[a-f0-9]{64}",
    finds ["rca_" "450df9d4f1dfd29d04cbf1d6514a20a7b782dff2cf384bda93e6cfd5499f5526"],
    passes ["rca_" "cable", "rca_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "lichess-token", &["lip_", "lio_"], Entropy(350),
    "li[po]_[A-Za-z0-9]{20,40}",
    finds ["lip_" "3sQdRD9wLX0eguOgmrau", "lio_" "zKRwHvGWQZQaCsY6FrS65SQVgG8ujBew"],
    passes ["lip_" "sync_offset", "lip_" "xxxxxxxxxxxxxxxxxxxx"];
    "roblox-cookie", &["WARNING:-DO"], Varied(8),
    r"WARNING:-DO-NOT-SHARE-THIS[ -{}~]{20,300}\|_(?P<secret>[A-F0-9]{60,})",
    finds [
        "WARNING:-DO"
          "-NOT-SHARE-THIS.--Sharing-this-will-allow-someone-to-log-in-as-you.|_8EB981E69F107FB8F66CC"
          "F19E2B23E9A1B1806FEACCF0BCF07E761C496C7106E224A6C07E9DA42A7D3ED6E7D8280A9327881AB2ED81F1C",
    ],
    passes ["WARNING:-DO" "-NOT-SHARE-THIS"];
    "persona-key", &["persona_production_", "persona_sandbox_"], Varied(6),
    "persona_(?:production|sandbox)_[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    finds [
        "persona_prod" "uction_385e4181-c98a-48b7-afbb-851eabbe80f7",
        "persona_sand" "box_5d03e2d6-a9fd-4a42-a4c6-a8e4ee02205e",
    ],
    passes ["persona_prod" "uction_id", "persona_prod" "uction_xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "samsara-token", &["samsara_api_"], Varied(8),
    "samsara_api_[A-Za-z0-9]{28,}",
    finds ["samsara_api_" "G8rS8Qind275wXfadnxVjiESnQwW5c"],
    passes ["samsara_api_" "client", "samsara_api_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "oculus-token", &["OC|"], Varied(8),
    r"OC\|[0-9]{12,20}\|[A-Za-z0-9_-]{20,}",
    finds ["OC|" "7137991294582441|0QdYobdMDUMx2dWu5R6o8vcdC7XIuJLm"],
    passes ["OC|" "1|2", "OC|" "0000000000000000|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "chief-tools-token", &["ctp_", "cto_", "ctl_"], Varied(10),
    "ct[pol]_[A-Za-z0-9]{36,}",
    finds ["ctp_" "Nf4iYTsulEKrP0ecorsFn4aGsUHrKMqT5Q4Fgxi0Gq"],
    passes ["ctl_" "table_header", "ctp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
};
