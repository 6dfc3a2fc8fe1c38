//! Keys of databases, data services, maps and devices.
//!
//! Lengths: documentation of the vendors; gitleaks, Kingfisher and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "databricks-token", &["dapi", "dose", "dsapi", "dkea", "ddse"], Varied(7),
    "d(?:api|ose|sapi|kea|dse)[a-f0-9]{32}(?:-[0-9]+)?",
    finds [
        "dapi" "d880441a675b320f05e678e16b215443",
        "dapi" "72ede9a01cdc4ac980134f541207b856-2",
        "dose" "a5743475d80183fed27ad161ec4b104b",
    ],
    passes ["dapi" "DataGetTopLongShortPositionRatio", "dapi" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "confluent-secret", &["cflt"], Varied(12),
    "cflt[A-Za-z0-9+/]{60,64}",
    finds ["cflt" "VSX76HFmoyhaD5s4AOAPHtF9LZZyEVASr+CDRvBdU0cJKLctPGs+1KcSWC/0"],
    passes ["cflt" "oken", "cflt" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "clickhouse-cloud-key", &["4b1d"], Entropy(400),
    "4b1d[A-Za-z0-9]{38}",
    finds ["4b1d" "l4kqLpDpmx1mvjzmWrRNNtllLeLyc1zqmoDmuz"],
    passes ["4b1d", "4b1d" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "planetscale-token", &["pscale_tkn_", "pscale_oauth_", "pscale_pw_", "pscale_api_"], Varied(8),
    "pscale_(?:tkn|oauth|pw|api)_[A-Za-z0-9_=.-]{32,}",
    finds [
        "pscale_tkn_" "qw_uY7r9lWkoN-fpgXkSIl6swXuU0VLbzMYHSrV5qEp",
        "pscale_oauth" "_h_s1ZxkihLaB_SGIMTwOhba7D8-_hGp0P9sYcuYTvFk",
        "pscale_pw_" "kaqHc_OIUTktN9BoufMKR98oinslQq-oGoTV2pl5rda",
    ],
    passes ["pscale_tkn_" "name", "pscale_tkn_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "supabase-token", &["sbp_", "sb_secret_", "sb_publishable_", "sba_"], Varied(7),
    "(?:sb[pa]_(?:v[0-9]_|oauth_)?[A-Za-z0-9]{40,}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{22,})",
    finds [
        "sbp_" "6fc574308cb3699a7c404fa6c28d7145342926a3",
        "sbp_" "v0_2a3dbcd8e09b9707d627425d52e0e474390e32d4",
        "sb_secret_" "ErFTzEilVrc4kTWxugxLjI_IpDBVQ3W",
        "sb_publishab" "le_3rbtv7xJ8qmSKNLYf_VmOu_3qMHJjGG",
    ],
    passes ["sb_secret_" "name", "sbp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "neon-key", &["napi_", "npg_"], Varied(8),
    "(?:napi_[a-z0-9]{60,}|npg_[A-Za-z0-9]{12,})",
    finds ["napi_" "79suszxpxeqxewi3hedxyxuhqnul6hzpq4ez39w57eaid6zr958kush1tx7y6yoo", "npg_" "MvMFblAeX6q2"],
    passes [
        "napi_" "create_function",
        "napi_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "mongodb-atlas-secret", &["mdb_sa_sk_"], Varied(8),
    "mdb_sa_sk_[A-Za-z0-9_-]{36,}",
    finds ["mdb_sa_sk_" "ZK8EAkz6L7VSM2VIJ0V87bX93NyfOOgXtsSsYP1T"],
    passes ["mdb_sa_sk_", "mdb_sa_sk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mongodb-atlas-client-id", &["mdb_sa_id_"], Varied(6),
    "mdb_sa_id_[A-Fa-f0-9]{24}",
    finds ["mdb_sa_id_" "86057cd2a1759ab153ac157b"],
    passes ["mdb_sa_id_" "count", "mdb_sa_id_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "elastic-cloud-key", &["essu_"], Varied(10),
    "essu_[A-Za-z0-9+/=_-]{40,}",
    finds ["essu_" "po3r9qDAAgdqA3ffw8G/bk8UXqae/iD66Ck/MuLCDpRG7Tp+XOjE79BfPSLQKchSssWwlg=="],
    passes [
        "essu_" "key",
        "essu_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx==",
    ];
    "cockroachdb-key", &["CCDB1_"], Varied(10),
    "CCDB1_[A-Za-z0-9]{16,}_[A-Za-z0-9]{32,}",
    finds ["CCDB1_" "uzwdzvmRPPycG7LF0CbeYk_c0kNWfzObEvvpIQYncMb2qk230CxihIL8N8zw1av"],
    passes ["CCDB1_" "KEY", "CCDB1_" "xxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "aiven-password", &["AVNS_"], Varied(7),
    "AVNS_[A-Za-z0-9_-]{16,}",
    finds ["AVNS_" "q-Pc1Al8bnBs064hwXT", "AVNS_" "6uQc90k3R6tEIDVV5ILW"],
    passes ["AVNS_" "PASSWORD", "AVNS_" "xxxxxxxxxxxxxxxxxxx"];
    "xata-key", &["xau_"], Varied(8),
    "xau_[A-Za-z0-9]{28,}",
    finds ["xau_" "ufSGJpE2CK7eXWCyc23GRkSh1AD6kued1uje"],
    passes ["xau_" "usd_rate", "xau_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "materialize-key", &["mzp_"], Varied(8),
    "mzp_[a-f0-9]{60,}",
    finds ["mzp_" "e3207bfa00c91b86c6a420310c02f700e232c874e45dc818b949b0caf2645b77"],
    passes ["mzp_" "name", "mzp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "tinybird-token", &["p.eyJ"], Varied(12),
    r"p\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    finds [
        "p.eyJ" "1IjogIdfSuUiMb7wKe8K9qdIOk3bj-OXZ_xlYzhr9RDazrhgasORfH_Ubm_CAf3mkhXY0qe3MuPlAjqvHQvcfFgrGu"
          "LZmpGKgCjlJPHqLy.Sm191KIJYR_sCL6PnMb-_3txTn72DouKmyMqJjrJpmT",
    ],
    passes ["p.eyJ"];
    "fauna-key", &["fnAE", "fnAF", "fnAD"], Entropy(410),
    "fnA[DEF][A-Za-z0-9_-]{36}",
    finds ["fnAE" "0-4ETe6tq076ADjUeOMj3C2az5qcV3QJNhfT"],
    passes ["fnAE" "val", "fnAE" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "dbt-token", &["dbtc_", "dbtu_", "dbts_"], Varied(10),
    "dbt[cus]_[A-Za-z0-9_-]{36,}",
    finds [
        "dbtc_" "FBduIxeTplN4jBV4RtETjjcx1gpJZ7KYXahwMW5O7Zu",
        "dbtu_" "iE_gQQIiLW-OLzbVlD0gdx4x4fWi8j8tjhU3N0pePv4",
    ],
    passes ["dbtc_" "macro", "dbtc_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "prefect-key", &["pnu_", "pnb_"], Varied(8),
    "pn[ub]_[A-Za-z0-9]{36,}",
    finds ["pnu_" "BVZX0vUTTQ6NefMatc5vSERfva1cQ991ntJf", "pnb_" "YlmdCMQvdd7S7fLueNqRqgkdcpRcZrX2Id1a"],
    passes ["pnu_" "fraction", "pnu_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "pinecone-key", &["pcsk_"], Varied(10),
    "pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,}",
    finds ["pcsk_" "JRHcnM_3G9SjmTbUbron4kCSsoCMzmGmsl1gWDoaVSLy19AcR8Hher57hKY9LcWjLj0PgA"],
    passes [
        "pcsk_" "env_name",
        "pcsk_" "xxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "airtable-token", &["pat"], Varied(8),
    r"pat[A-Za-z0-9]{14}\.[A-Fa-f0-9]{60,68}",
    finds ["pat" "wRGZqzmNk1ODcu.58a4d700d3ba60aaa2978d8dc37e4fc083be34134f24543203e615e8124014e9"],
    passes [
        "pat" "ternsAndPractices.md",
        "pat" "xxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "airtable-oauth-token", &["oaa"], Varied(12),
    r"oaa[A-Za-z0-9]{12,}\.v1\.[A-Za-z0-9_-]{20,}\.[A-Fa-f0-9]{40,}",
    finds [
        "oaa" "uLkzrcf6dluzUM.v1.Bl3a3oA8TmuxNelzts8TGipfh5NJuuyN_I_nYp-F9TxFZAYZi8iEljogDaFun2akdms5Ew5E"
          "HbiJ6xT_fRkB35Al-2vDPCnRADHh.49b29661365ef4ed8fd32ba8f6331517c8f156b54c5da50f49540d16ddd4e" "622",
    ],
    passes ["oaa" "th.v1.api"];
    "appwrite-key", &["standard_"], Varied(8),
    "standard_[a-f0-9]{128,256}",
    finds [
        "standard_" "65a85df14a7a22bb524db53322874095a94eaa0a5323578c0dfc99a22fecea5f641aeaad123d8621680a91ec0e"
          "8674da651fef213795a006d73def4539ceabfa47540dbbaff151ccdd7b54c448e9c30c0ac0bdbb85aaf69e6f63"
          "5fc7e70031b2fb607d7687a1b2887ee9613edecea5644c0413ed8b4a2b858f7b1cd932b7e5cd",
    ],
    passes ["standard_" "deviation"];
    "contentful-token", &["CFPAT-"], Varied(10),
    "CFPAT-[A-Za-z0-9_-]{40,}",
    finds ["CFPAT-" "9zQdo1A2bU3j_lfqqWXKWCqdDWzjnc8vzXrG2_NlNHX"],
    passes ["CFPAT-" "TOKEN", "CFPAT-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "sanity-token", &["sk"], Entropy(450),
    "sk[A-Za-z0-9]{79,180}",
    finds [
        "sk" "ooS9CqRsUjsCNeMtg6PQSY3SwjkMcoJbb245PkiZ9erRZhQyZ9UHz70cqyOsCV8krby028RPCLvLB0T",
        "sk" "xRSQACDnthivZaD6dfvoiyaZvNlbAGucyO8BJUz9LOAo8BVo5I264le8kM3xSw1T5zZbMnnlRIIu7Xg9qHz2KuZ3w9"
          "B5CumR5lNTqhm7NXLZ2O",
    ],
    passes ["skip", "sk" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "builder-io-key", &["bpk-"], Varied(7),
    "bpk-[a-f0-9]{32}",
    finds ["bpk-" "4f0d787ec4bdea09d48f92ab3126d355"],
    passes ["bpk-1", "bpk-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mapbox-token", &["sk.eyJ", "pk.eyJ", "tk.eyJ"], Varied(10),
    r"[spt]k\.eyJ[A-Za-z0-9_+/=-]{20,}\.[A-Za-z0-9_+/=-]{20,}",
    finds [
        "sk.eyJ" "1IjoiAc9-57NTiXWyJgKCblwFnwkRI9vC07nj9o278x64HzprA7FAzDCUV0BaiXQJguvRRRWh98MVhA08I9YY.AteX"
          "kQWhUm4vFT0E6cosvh",
        "pk.eyJ" "1IjoiT-7wAdCw0ErOy1LzHO75Rw8Ur9nZ100EJsdHffFpg1kcUPHuYVSkI6SPKhEE.ektfzsEIWtAfMzkwfSde5S",
        "tk.eyJ" "1IjoiccLjo4HrUWabFp6x87m_p0SedOgp3aJppjbUQ9RgyjCODNItCoaSdvubQRERlPijEaI7uykB1cvp5pZTK3dic"
          "kH5VMbKb9e_9EXpxVlMcbKGJ6.tJGUiMAYv8s7sWpeGnbTig",
    ],
    passes ["pk.eyJ.x"];
    "locationiq-key", &["pk."], Varied(7),
    r"pk\.[a-f0-9]{32}",
    finds ["pk." "38bbc065ed09c87021b3b6094e361d23"],
    passes ["pk.id", "pk." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "ubidots-token", &["BBFF-", "BBUS-"], Varied(8),
    "BB(?:FF|US)-[A-Za-z0-9]{30,}",
    finds ["BBFF-" "u1bMW53dFfTPMP9o5ph701EN60tscD"],
    passes ["BBFF-1", "BBFF-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "adafruit-io-key", &["aio_"], Varied(8),
    "aio_[A-Za-z0-9]{28}",
    finds ["aio_" "XSlJTknvnzXvr2KPolscWj3yurPF"],
    passes ["aio_" "read_callback", "aio_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "finage-key", &["API_KEY"], Varied(8),
    "API_KEY[0-9A-Z]{32}",
    finds ["API_KEY" "AOKNE88E8LJWV2QB2W5FWH74K7X786SZ"],
    passes ["API_KEY" "_NAME", "API_KEY" "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "alchemy-key", &["alcht_", "aa_"], Varied(8),
    "(?:alcht_[A-Za-z0-9]{28,}|aa_(?:pat|sk)_[A-Za-z0-9_-]{28,})",
    finds ["alcht_" "C3cAbkTL4t4enMD8r0c0oCm06ryadg"],
    passes ["alcht_" "name", "alcht_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "quicknode-key", &["QN_"], Varied(7),
    "QN_[a-f0-9]{32}",
    finds ["QN_" "215c9735862e0675e326493bfa5db7f0"],
    passes ["QN_" "NAME", "QN_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "dagster-token", &["user:", "agent:"], Entropy(400),
    "(?:user|agent):[a-z0-9-]{3,40}:[A-Za-z0-9]{32,}",
    finds ["agent:" "my-org:qAulo1f7V8f31mriHOYdbPUogg1GMQxs"],
    passes ["user:" "group:rwx", "agent:" "my-org:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "convex-key", &["prod:", "preview:", "dev:"], Varied(12),
    r"(?:prod|preview|dev):[a-z0-9-]+(?::[a-z0-9-]+)?\|[A-Za-z0-9+/=_-]{40,}",
    finds [
        "prod:" "happy-otter-123|wMQs0EPSdFZaUzN7IAZXq2rSR7DxAMNOyuhsBJfXZoB2DUqLvOwJ6QsVcGYa+PGLfM6STkn4pp"
          "AST6X0WzWi=",
    ],
    passes ["prod:" "app|dev"];
    "influxdb-token", &["apiv3_"], Varied(12),
    "apiv3_[A-Za-z0-9_-]{60,}",
    finds ["apiv3_" "xyNRUNvtmXREUZSstkYEGX-H30bMypPSSsZFmSlM13dfXfWRuvEX7QI0BD6pfaFaaBuneP_yRM1SG6xLDGPfHv"],
    passes ["apiv3_" "write_lp"];
    "metabase-key", &["mb_"], Varied(12),
    "mb_[A-Za-z0-9+/]{43}=",
    finds ["mb_" "jk/SzQQiMDEApin9GgTyDLso7OSJWcFdMhGjweW11lS="],
    passes ["mb_" "substr", "mb_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="];
    "databento-key", &["db-"], Entropy(385),
    "db-[A-Za-z0-9]{29}",
    finds ["db-" "m48vyTK4uBwMFIVKLsBJKlPLiqGQM"],
    passes ["db-" "subnet-group-for-production", "db-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "blynk-url-token", &["blynk.cloud/external/api/"], Varied(8),
    r"blynk\.cloud/external/api/[A-Za-z0-9/]*\?token=(?P<secret>[A-Za-z0-9_-]{32})",
    finds ["blynk.cloud/" "external/api/get?token=xsNwVJGBYUWUfKI1xQmj75ASXUJKfHMb&v1"],
    passes ["blynk.cloud/" "external/api/get"];
    "blynk-oauth-client", &["oa2-client-id_"], Varied(8),
    "oa2-client-id_[A-Za-z0-9_-]{32}(?::[A-Za-z0-9_-]{40})?",
    finds ["oa2-client-i" "d_gZKaq-rIKSUQ-ugteKmPc6Cv0g8NgdcQ:CQ2lHNJzCyAlIq4egRXQlApsts-sjLfDK8XNbwhh"],
    passes [
        "oa2-client-i" "d_name",
        "oa2-client-i" "d_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "thingsboard-url-token", &["thingsboard.cloud/api/v1/"], Varied(7),
    r"thingsboard\.cloud/api/v1/(?P<secret>[a-z0-9]{20})",
    finds ["thingsboard." "cloud/api/v1/hytp2ra2l2qhlpuzmamw/telemetry"],
    passes ["thingsboard." "cloud/api/v1/docs", "thingsboard." "cloud/api/v1/xxxxxxxxxxxxxxxxxxxx/telemetry"];
    "planet-key", &["PLAK"], Varied(8),
    "PLAK[a-f0-9]{32}",
    finds ["PLAK" "cd73b947d55e8ca1667477e86e9b98ab"],
    passes ["PLAK" "AT", "PLAK" "00000000000000000000000000000000"];
    "bytebase-key", &["bbs_"], Varied(8),
    "bbs_[A-Za-z0-9]{20}",
    finds ["bbs_" "wMHeWgTgAjL4bBZBrpdc"],
    passes ["bbs_" "migrations", "bbs_" "xxxxxxxxxxxxxxxxxxxx"];
    "k3s-token", &["K10"], Varied(10),
    "K10[a-f0-9]{64}::(?:server|node):[A-Za-z0-9]{16,}",
    finds ["K10" "a9f1c2b37d04e5568d1be7f09c34a2b6d5e8f7011c2d3b4a59687766554433ab::server:7bb1ad0d8f0e6ab1"],
    passes ["K10" "a::server:b"];
};
