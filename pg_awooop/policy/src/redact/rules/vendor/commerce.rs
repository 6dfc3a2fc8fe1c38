//! Keys of payment, banking, shipping and shops.
//!
//! Lengths: documentation of the vendors; gitleaks, TruffleHog and Kingfisher.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "stripe-secret-key", &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"], Varied(6),
    "[sr]k_(?:live|test|prod)_[A-Za-z0-9-]{10,255}",
    finds [
        "sk_live_" "38KwN88LsDjz7xHLpLykR4Ml",
        "rk_live_" "iJyjKXvaN1e8XnRn5Oih8UI1lp6On356yCqpnBTjkZ9DylbRDSMWUFPYHjNOK3xK29SoqzpKSoU4o4Y5ERyvYOreCe"
          "uzA2LcO4i",
        "sk_test_" "51Yf3pLfiFjg5Myug5JdSOv95eEU8VgQ5Y7F0E9qVUVoGlaLz1cblkVm321iZuc4YE9Rq6Jhk9ZXOXQHKn46xTpP7N"
          "F7eRSheyC",
        "rk_test_" "Mb7Xb6booJv74dmnLLHN360U",
        "sk_prod_" "dt0uzegyjOxbwfI63z7M",
    ],
    passes ["sk_live_", "sk_test_" "key_name", "sk_live_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "stripe-organization-key", &["sk_org_live_", "sk_org_test_"], Varied(8),
    "sk_org_(?:live|test)_[A-Za-z0-9]{24,255}",
    finds ["sk_org_" "live_wPRhYQDs8WKeW1gsC48aqm0xz19rBPQ17AcSGb8Q9T6IMaVF3bDWbcXh2iEH"],
    passes ["sk_org_" "live_key", "sk_org_" "test_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "stripe-publishable-key", &["pk_live_", "pk_test_"], Varied(8),
    "pk_(?:live|test)_[A-Za-z0-9]{20,255}",
    finds [
        "pk_live_" "xPkxsGOXdJkKxiGPaMC0hYDV",
        "pk_test_" "51z8QldTRksDdswcXMN9njQj0iJrG0XJNH9exRn2Cwd1tAgNW2riWclCTwQuV7QZpWC6jEA5P5ftPkZqKzWZlsq7yX"
          "X1AXpqriS",
    ],
    passes ["pk_test_" "column", "pk_live_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "stripe-client-secret", &["pi_", "seti_"], Varied(10),
    "(?:pi|seti)_[A-Za-z0-9]{14,40}_secret_[A-Za-z0-9]{20,}",
    finds [
        "pi_" "BiTRfW5YB6Kg42DX2J8jTf0u_secret_uOn1mEI4nim0Uv9thUwkULmfu",
        "seti_" "ICeyh4S68BHzAM5TO7D01T03_secret_DpQUlebk4FJ6jX2dsiI91AJiZ",
    ],
    passes ["pi_" "digits_secret_sauce", "pi_" "xxxxxxxxxxxxxxxxxxxxxxxx_secret_xxxxxxxxxxxxxxxxxxxxxxxxx"];
    "stripe-ephemeral-key", &["ek_live_", "ek_test_"], Varied(10),
    "ek_(?:live|test)_[A-Za-z0-9]{24,}",
    finds ["ek_live_" "wUSREi4tjjwVKvEHoS46oSmdC32YvIvTx8ot49qVCY6ItAe2FXGM8taKaHJ4"],
    passes ["ek_test_" "name", "ek_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "sk-long-key", &["sk_"], Entropy(430),
    "sk_[A-Za-z0-9]{48,120}",
    finds ["sk_" "c38jtOUvsnRYuuNCP2Ka7l7Q1wwnUFzIBrAamv3R3i54VDiAZh6zaf561iII"],
    passes ["sk_" "buff", "sk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "square-access-token", &["EAAA"], Entropy(360),
    "EAAA[A-Za-z0-9_-]{22,62}",
    finds [
        "EAAA" "3WxHHSv4SvQPnKAcWzG1E6g5CDe6OV1jrL5VHeJ1c2B-NzhGe-A-QeiIKWfj",
        "EAAA" "sYK2O5m952wosmNnwgRFLs",
    ],
    passes ["EAAA" "AAAAAA", "EAAA" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "square-secret", &["sq0csp-", "sq0atp-", "sq0idp-", "sq0idb-", "sandbox-sq0"], Varied(8),
    r"(?:sandbox-)?sq0[a-z]{3}-[A-Za-z0-9_\\-]{20,}",
    finds [
        "sq0csp-" "j0EmUdCGUFkMnQ9Iy4ksYK6s8jNHhdPA7m6wSda7RAA",
        "sq0atp-" "mwmqDn5QL6-fHPVYT_VGWs",
        "sq0idp-" "KgS97cLKw83RD3EX3EVRBS",
        "sandbox-sq0" "csb-Cyh3u-PWcBLfXp4U75iRObBG0CAQxHzjFVA8oOlA0OM",
    ],
    passes ["sq0csp-x", "sq0csp-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "paypal-access-token", &["access_token$"], Varied(8),
    r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    finds [
        "access_token" "$production$u1kmpr61z62tff0y$7d3887b018dfe88a0c1e857d68210d7c",
        "access_token" "$sandbox$ffyjgu6iyw14gih7$b0d9c6cd31636d5791f37c0efb2b2693",
    ],
    passes [
        "access_token" "$production$x",
        "access_token" "$production$xxxxxxxxxxxxxxxx$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "paypal-bearer-token", &["A21AA", "A101.", "A103."], Varied(12),
    r"(?:A21AA[A-Za-z0-9_-]{60,}|A10[13]\.[A-Za-z0-9_-]{60,})",
    finds [
        "A21AA" "2_hP6QCDt7yCaDstGssVYydjRmvFjHYwh5lDEL4_Xd4ms2RWlRrPnsaT_rzfWX6yWDE2ZN2tputV-zhNIcd38X-hwe",
    ],
    passes ["A21AA"];
    "braintree-key", &["production_", "sandbox_"], Entropy(360),
    "(?:production|sandbox)_[a-z0-9]{8}_[a-z0-9]{16}",
    finds ["production_" "6lpy5b6i_z4ioev19bhm44y1x", "sandbox_" "sp42jter_7zkwxatafph8wm8v"],
    passes ["sandbox_" "internal_network", "production_" "xxxxxxxx_xxxxxxxxxxxxxxxx"];
    "shopify-token", &[
        "shpat_", "shpss_", "shpca_", "shppa_", "shpua_", "shprt_", "shpit_", "shpct_", "shpcat_",
    ], Varied(6),
    "shp[a-z]{2,3}_[A-Za-z0-9]{30,}",
    finds [
        "shpat_" "f872fda547e6aab4131980f613269253",
        "shpss_" "8652b6ee70f6847de78300eef30163a3",
        "shpca_" "530311bd33f455fa484d5e17db772365",
        "shppa_" "e227f6234da17a0d9a5d76c0c1ad6077",
        "shpat_" "DF1DEDDE787E5FF29B65420306D11A6A",
    ],
    passes ["shpat_" "name", "shpat_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "shopify-partner-token", &["prtapi_", "atkn_", "atkn."], Varied(7),
    "(?:prtapi|atkn)[_.][a-f0-9]{28,}",
    finds [
        "prtapi_" "46408c9b978af32c0e1a37c1a38c5f51",
        "atkn_" "294ebc8dd4612712c317f268938a84c250a633a5b9dcffbba063e741388f81b4",
    ],
    passes ["prtapi_" "client", "prtapi_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "adyen-key", &["AQE"], Varied(14),
    r"AQE[a-z][A-Za-z0-9]{7,14}[a-zA-Z0-9+/_-]{20,}\*?[A-Za-z0-9+/=_-]*-[A-Za-z0-9+/=]{20,}-[A-Za-z0-9!#$%&"
      "()*+./:;=?@^_{}~-]{12,24}",
    finds [
        "AQE" "y3prJnPhZmOFTmh4jgP6q6fIllPifu0QukFkiGVx9I8Xr1lJwbC*GmZhg8TNLuNzjB8dI4T6CbV6YmtahM-Fq9iRQ6"
          "AI0W+/MIU7vIFeNMyP0/3/AMYAOKQnOc37Fe=-fUTsPJISFlsjT4hd",
        "AQE" "mJDvDoCaqgzAUsmAyFdZiA7xLvKQi1qxn2AjoeB9GbwqnfmSynoiRklXcE31dnE2SW25D98BhmGE2Jt5trucUwrkbE"
          "F-PkpVu6TkUD+w6R9D2gcK71q9JffnIpgAqIZvDlKQJAe=-BFqKHzEIFhAg1LWP",
    ],
    passes ["AQE" "thing"];
    "razorpay-key", &["rzp_live_", "rzp_test_"], Varied(6),
    "rzp_(?:live|test)_[A-Za-z0-9]{14,}",
    finds ["rzp_live_" "0LtAjEIutYtOhL", "rzp_test_" "ZYSc5oCymtO4Oy"],
    passes ["rzp_live_" "key", "rzp_live_" "xxxxxxxxxxxxxx"];
    "flutterwave-key", &["FLWSECK", "FLWPUBK"], Varied(5),
    "FLW(?:SECK|PUBK)(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?",
    finds [
        "FLWSECK" "-w4qhjwdayo0fyanuwwryo3xrff81gfjc-X",
        "FLWSECK" "_TEST-a1d4406e6bf1d4bd36dd63ddd0ab5232-X",
        "FLWSECK" "_TEST-ea972d8ce698",
        "FLWPUBK" "_TEST-1b43092d5314520033511d21075d00af-X",
    ],
    passes ["FLWSECK" "_KEY", "FLWSECK" "-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-X"];
    "midtrans-key", &["Mid-server-", "Mid-client-", "SB-Mid-", "VT-server-"], Varied(8),
    "(?:(?:SB-)?Mid-(?:server|client)|VT-server)-[A-Za-z0-9_-]{16,}",
    finds ["Mid-server-" "gNuqF2ZHDlAnQwfrpfkee8wS", "SB-Mid-" "server-MaOBGsXLMALofR8MU1XkrHC0"],
    passes ["Mid-server-x", "Mid-server-" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "xendit-key", &["xnd_production_", "xnd_development_", "xnd_public_"], Varied(10),
    "xnd_(?:production|development|public_[a-z]+)_[A-Za-z0-9+/=]{36,}",
    finds [
        "xnd_producti" "on_w3SSp1iG819dd9KmzuIosqtbyKmTw2X3CNKjfYbxF0bjZT0dRA7vreo5YeG0",
        "xnd_developm" "ent_rsGWRAr2l8a3tbZnkRDKCSa9IVhrwo2f3w1SLQcHmYHvkd2DIgl6VFCDP34G",
    ],
    passes [
        "xnd_producti" "on_env",
        "xnd_producti" "on_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "omise-key", &["skey_", "pkey_"], Varied(9),
    "[sp]key_(?:test_|live_)?[a-z0-9]{17,24}",
    finds ["skey_" "22l1yc1va6m02afqjiq", "skey_" "test_ll9fb5hxnns1za86qyl"],
    passes ["skey_" "comparison_function", "skey_" "xxxxxxxxxxxxxxxxxxx"];
    "mercadopago-token", &["APP_USR-", "TEST-"], Varied(8),
    "(?:APP_USR|TEST)-[0-9]{10,}-[0-9]{4,}-[a-z0-9_]{24,}(?:-[0-9]+)?",
    finds [
        "APP_USR-" "8316248473187614-043469-26c41e5767eb5c259da9eb624e81493a-578165811",
        "TEST-" "2035660293183442-357441-e34ee087a2fab67200743611ff2f21a5-058854953",
    ],
    passes ["TEST-" "12345", "APP_USR-" "0000000000000000-000000-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-000000000"];
    "pagarme-key", &["ak_live_", "ak_test_", "ek_live_"], Varied(8),
    "ak_(?:live|test)_[A-Za-z0-9]{26,}",
    finds ["ak_live_" "TOuzQfq4Sn6OUwjqOYuChgyWhxCldT"],
    passes ["ak_test_" "name", "ak_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "klarna-key", &["klarna_live_", "klarna_test_"], Varied(10),
    "klarna_(?:live|test)_(?:api|client)_[A-Za-z0-9+/=_-]{32,}",
    finds [
        "klarna_live_"
          "api_HZ48wx5L2LaPli6obip8XOmTq4cvyQwEdOlirxHOIZbcZCeJRv1kXEPSiHwMezKpyLtzeiM8aTDnTWeohrSFD6"
          "LzetDy9UthL2JxUFYqVy7oJt",
        "klarna_test_" "client_CoxFCRNE9mHlKkzuMQMawyIsnwPCdqmnXU2MVm7oR1iLjLbQ6s0pkF4bhD2qZD8uTBOtjXmbNLRI94Y2",
    ],
    passes ["klarna_live_" "api_name"];
    "paddle-key", &["pdl_"], Varied(10),
    "pdl_(?:live|sdbx)_(?:apikey|client)_[A-Za-z0-9]{20,}(?:_[A-Za-z0-9]+)*",
    finds [
        "pdl_" "live_apikey_01w3q9y5lytg5v60irmfkhrtt3_ikJT8XweKXdjvTTwzLicm3_mgI",
        "pdl_" "sdbx_apikey_01kwd9hke4y3vh8uoz0otk46fs_Zwj0dKaCWbBySZA1pvklIM_ig0",
    ],
    passes ["pdl_" "live_apikey_"];
    "polar-token", &["polar_"], Varied(10),
    "polar_[a-z]{2,4}_[A-Za-z0-9_-]{30,}",
    finds [
        "polar_" "oat_N6pY9BjkqUNnvza0EnUA3CgaJcixkOsuVIbwlLkCMVN",
        "polar_" "pat_o8KzAKhSOWIsJtECev8ExEXzO3ANxpKlFegPoEQCinj",
    ],
    passes ["polar_" "coordinates", "polar_" "oat_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "checkout-com-key", &["sk_", "sk_sbox_"], Varied(6),
    "sk_(?:sbox_[a-z0-9]{26,}[A-Za-z0-9*#$]?|(?:test_)?[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12})",
    finds [
        "sk_" "179d5ad6-d1ef-4115-baab-03c92e0ef976",
        "sk_" "test_3f15936b-3da3-48c3-97a3-65558dd9ae23",
        "sk_sbox_" "f1g0s0hygxi281liz4juximgjuf",
    ],
    passes ["sk_sbox_" "name", "sk_" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "mollie-key", &["live_", "test_"], Entropy(385),
    "(?:live|test)_[A-Za-z0-9]{30}",
    finds ["live_" "J82kAWApEeWw4TKMCDL7oTQjID01SX", "test_" "ixcSxjrdQ7l9XiH23oz2JCBcgElQSs"],
    passes [
        "test_" "theFunctionReturnsAnErrorWhenX",
        "live_" "migration",
        "live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "lob-key", &["live_", "test_"], Varied(8),
    "(?:live|test)_(?:[a-f0-9]{35}|pub_[a-f0-9]{31})",
    finds [
        "live_" "39e0e7bdc3900a88a972355186050685f69",
        "test_" "d0502fddf4ed9466a9e5e5ae2fe3ceb9079",
        "test_" "pub_9a0cea3fb3eeb40faab0d063d6e292d",
    ],
    passes ["test_" "pub_key", "live_" "0123", "live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "gocardless-token", &["live_", "sandbox_"], Entropy(420),
    "(?:live|sandbox)_[A-Za-z0-9_-]{40}",
    finds [
        "live_" "KqZMmIrfatYaCedBffxJVh8kMhZYJMpIWSOktC04",
        "sandbox_" "FNhtJYfAYUzHsNDwDBK9MIZcThpT2JyJR9obZPhw",
    ],
    passes [
        "live_" "a_rather_long_snake_case_identifier_name1",
        "live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx4",
    ];
    "twitch-stream-key", &["live_"], Varied(10),
    "live_[0-9]{6,12}_[A-Za-z0-9]{28,36}",
    finds ["live_" "082655267_F8MchWtI9P53SVxxHJTHxskbVbOOrq"],
    passes ["live_" "2024_stream", "live_" "000000000_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "ramp-key", &["ramp_id_", "ramp_sec_"], Varied(8),
    "ramp_(?:id|sec)_[A-Za-z0-9]{36,}",
    finds [
        "ramp_id_" "UYroW80WlNcGhIUiKa9vYTHW87KvPLrKStHUHzk1",
        "ramp_sec_" "19go1bqR2FKTiZxx3TmoIEg3lfV2pXOZw634JqpLUqFfuLjO",
    ],
    passes ["ramp_id_" "column", "ramp_id_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "brex-token", &["bxt_"], Varied(10),
    "bxt_[A-Za-z0-9]{30,}",
    finds ["bxt_" "bXDDObER9a6gW3HHOgqyfJ2Duc0p6l64tWCWhVB4"],
    passes ["bxt_" "mode", "bxt_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mercury-token", &["mercury_production_", "mercury_sandbox_", "secret-token:mercury_"], Varied(10),
    "(?:secret-token:)?mercury_[a-z]+_[A-Za-z0-9_]{30,}",
    finds [
        "secret-token" ":mercury_production_rma_ZLKX7YQUZknlAqrjthQr9KOyIws6daCvWEzU7rVLIQn1_yrucrem",
        "mercury_prod" "uction_wma_OK0XboZu9vekpaxRpjRXkLS1GC6MQ1uD7qc8rWcQhYJl_yrucrem",
    ],
    passes ["mercury_prod" "uction_database"];
    "plaid-token", &[
        "access-sandbox-", "access-production-", "access-development-", "public-sandbox-", "public-production-",
        "link-sandbox-", "link-production-",
    ], Varied(6),
    "(?:access|public|link)-(?:sandbox|production|development)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    finds [
        "access-sandb" "ox-4ae6887a-b6be-4802-b61f-b785abc5d2d7",
        "access-produ" "ction-c41cc8ce-755c-4c6b-805e-605d7980979f",
        "link-product" "ion-0f256a7c-31cc-4ed3-9e93-5334085fedc7",
    ],
    passes ["access-produ" "ction-database", "access-sandb" "ox-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "coinbase-key-name", &["organizations/"], Varied(6),
    r"organizations\\?/[a-f0-9-]{36}\\?/apiKeys\\?/(?P<secret>[a-f0-9-]{36})",
    finds [
        "organization" "s/45cb7f0a-edb1-4eb8-8c7f-c964b2e67777/apiKeys/ffff30d4-fd35-4ed2-9dcc-31de686728b1",
    ],
    passes ["organization" "s/acme/apiKeys/list"];
    "robinhood-key", &["rh-api-"], Varied(6),
    "rh-api-[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}",
    finds ["rh-api-" "6310a5b5-b00f-4fad-85bf-5d28bf46ee8f"],
    passes ["rh-api-" "client", "rh-api-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "easypost-key", &["EZAK", "EZTK"], Varied(8),
    "EZ[AT]K[A-Za-z0-9]{54}",
    finds [
        "EZAK" "lff8VUCXLx2tvf416gWXJ9ubYislD6g2SJA4D98cdAEKFtq3aKLxqe",
        "EZTK" "c2J9qa7Zx6V5JRLSgOyC01aGkltzMtzEMsE33TrBU1AApKSD5rwpe1",
    ],
    passes ["EZAKE", "EZAK" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "duffel-token", &["duffel_live_", "duffel_test_"], Varied(8),
    "duffel_(?:live|test)_[A-Za-z0-9_=-]{40,}",
    finds [
        "duffel_live_" "A8KjuitI08NxvBtpcswaqXKslkLN8zSqoHxrnaYdmqt",
        "duffel_test_" "LeMf0ferUf38CXBEziMYR7LG2EcJr373-0FPVVwg538",
    ],
    passes ["duffel_test_" "name", "duffel_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "shippo-token", &["shippo_live_", "shippo_test_"], Varied(6),
    "shippo_(?:live|test)_[A-Fa-f0-9]{38,}",
    finds [
        "shippo_live_" "396eecadae9d068336116f56333ee6d28a9745d4",
        "shippo_test_" "19ed25c48b67e19c19a4b7b9735268120ddc9e55",
    ],
    passes ["shippo_test_" "name", "shippo_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "flexport-token", &["shltm_"], Varied(8),
    "shltm_[A-Za-z0-9_-]{38,}",
    finds ["shltm_" "xQJdasjxaxtjkgTX_lPIzIoXi6eutBG5K_RfoLTU"],
    passes ["shltm_" "name", "shltm_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "shipengine-key", &["TEST_"], Entropy(435),
    "TEST_[A-Za-z0-9+/]{43}",
    finds ["TEST_" "WEW2gJHUXD9A8zKI/P8FrhH1kEsmTJaLeh5TIQeQavv"],
    passes ["TEST_" "DATABASE_URL", "TEST_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "aftership-key", &["asat_"], Varied(7),
    "asat_[a-f0-9]{32}",
    finds ["asat_" "3b77aa788604839bc53ba9db120013ae"],
    passes ["asat_" "name", "asat_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "woocommerce-key", &["ck_", "cs_"], Varied(7),
    "c[ks]_[a-f0-9]{40}",
    finds [
        "ck_" "caee616b24790a4991f6ebcfef338767f641a221",
        "cs_" "4c5d80d8a2d95ef0324bd5107b7798044a854700",
    ],
    passes ["cs_" "main", "ck_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "recharge-key", &["sk_"], Varied(7),
    "sk(?:_test)?_(?:10|[1235])x[123]_[A-Fa-f0-9]{64}",
    finds [
        "sk_" "1x1_b421a83fa0e094c0ed2a23f5f1f32372da9432b1aabacfb6607dfd0c652965a6",
        "sk_" "test_2x3_53a392b611d9f261d39c83af310d8a230b0c800c02b2b8d9d536f95b16c88ff7",
    ],
    passes ["sk_" "1x1", "sk_" "1x1_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "paystack-key", &["sk_"], Varied(7),
    "sk_[a-z]+_[A-Za-z0-9]{40}",
    finds ["sk_" "live_8fa572e8e20c330b9dac506713a68f282f664faa"],
    passes ["sk_" "buff_head", "sk_" "live_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "tickettailor-key", &["sk_"], Varied(7),
    "sk_[0-9]{4,6}_[0-9]{5,7}_[a-f0-9]{32}",
    finds ["sk_" "0054_501972_a959d01492040daf04257618240eccfd"],
    passes ["sk_" "1234", "sk_" "0000_000000_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "conekta-key", &["key_"], Entropy(365),
    "key_(?:live_|test_)?[A-Za-z0-9]{22}",
    finds ["key_" "NYxpIynC1JjadzOgmbxlZz", "key_" "live_NyljUtnR1Sf7z0zVR7BQMx"],
    passes ["key_" "exchange_algorithms", "key_" "xxxxxxxxxxxxxxxxxxxxxx"];
    "ebay-oauth-token", &["v^1.1#"], Varied(12),
    r"v\^1\.1#i\^1#[A-Za-z0-9^#+/=_-]{60,}",
    finds [
        "v^1.1#" "i^1#f^0#p^3#r^1#I^3#t^c6VbM4L0cQ4VG2Q15qHel4JRmUzGSh7D8iMV0D1S77XKfNS0s1FLCLrNkaGx2e1tcpdf"
          "NVdqjr8N7SoRFfpYlLCy6XqXpSZwUmgpvanJlhQDaK==",
    ],
    passes ["v^1.1#x"];
    "ebay-client-secret", &["PRD-", "SBX-"], Varied(6),
    "(?:PRD|SBX)-[a-f0-9]{12}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}",
    finds ["PRD-" "bb7f1f8f4dd7-ccd8-47b9-5f95-6e96"],
    passes ["PRD-" "20240101", "PRD-" "xxxxxxxxxxxx-xxxx-xxxx-xxxx-xxxx"];
    "storecove-key", &["storecove_"], Varied(8),
    "storecove_[A-Za-z0-9]{32,}",
    finds ["storecove_" "Wrp8BXCabXxrH5Eo93LBnZnBigeR0BJPO0C7bGV1Q3T"],
    passes ["storecove_" "client", "storecove_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cashfree-secret", &["cfsk_ma_"], Varied(8),
    "cfsk_ma_(?:prod|test)_[a-f0-9]{32}_[a-f0-9]{8}",
    finds ["cfsk_ma_" "prod_82f6452238ceca95434c0dc0e079eb45_e642491d"],
    passes ["cfsk_ma_" "prod_x", "cfsk_ma_" "prod_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxx"];
};
