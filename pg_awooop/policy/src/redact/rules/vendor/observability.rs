//! Keys of monitoring, analytics, feature flags and workflow services.
//!
//! Lengths: documentation of the vendors; gitleaks, Nosey Parker and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "grafana-api-key", &["eyJrIjoi"], Varied(12),
    "eyJrIjoi[A-Za-z0-9+/_-]{50,}={0,3}",
    finds [
        "eyJrIjoi" "RrUcJOFr7aCVtww8CEHWYlsiK59MyzDJTS4GJM61oRyuFcQMwi01QzxtnjNacovc49yiJiYeWHwkRPZN",
        "eyJrIjoi" "timqzVDR5xSAzSSKjU5ZEevc2WGimXm63r9MdA82Vb03CQ5tL8kmkIn1kwErn86hNPlEkRhvXS29e=",
    ],
    passes [
        "eyJrIjoi",
        "eyJrIjoi" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "grafana-cloud-token", &["glc_"], Varied(10),
    "glc_[A-Za-z0-9+/_-]{32,}={0,3}",
    finds [
        "glc_" "eyJvIjoihwhjALFLzffdMxItNc3lsg9xKN1COpgRfXOJ2arijJBg5aUmTZNpeVvXZIvqcVsVlgedBihEbKJBabAiCZ"
          "n4RkI6eZqDIlsGhEDeLdj6zpI4yJ=",
        "glc_" "6J4uykJcrzR1nXwHID1npztbrPZ1Eu5n",
    ],
    passes ["glc_" "StateBeginUnderwaterAliasModel"];
    "grafana-service-account-token", &["glsa_"], Varied(8),
    "glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}",
    finds ["glsa_" "cLya9952vqhrkluCuSye9xDd6MdjLsqq_7a27a4c4"],
    passes ["glsa_" "token", "glsa_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxx"];
    "sentry-organization-token", &["sntrys_"], Varied(12),
    "sntrys_eyJ[A-Za-z0-9+/=_-]{40,}",
    finds [
        "sntrys_" "eyJpYXQiOKCOjbOR2y68wQyKCSxR5fm2m5GbuKD4ftsTKhp9U32Nk9pJUykmeSueSeaXStnuKXxIw2v8H1Lq1AC199"
          "mfekrsVMcjk152X4kgEvOAgjH06XC=_U7mOEA+VKKK2A/Utr3ujYWTy2yjp2IZcwho5bD+Wa7y",
        "sntrys_" "eyJpYXQiOrPuFfsRtVGSP9zwMvINJYI2G1D7E28v2tvjuHYv1VblFLUZajMS2Mde1BX70CntK6bDOY8UvaqlspVT6y"
          "DCA43POkLJbf5dSI9FjecMXmYxkul_M8L6lii5PiYqb6c9YJAFzS0jf5ZxAgZ1ZoR5wB9RbVJ",
    ],
    passes ["sntrys_" "eyJ"];
    "sentry-user-token", &["sntryu_", "sntrya_", "sntryi_"], Varied(7),
    "sntry[uai]_[A-Za-z0-9]{60,}",
    finds [
        "sntryu_" "e14fd407f07fe5844ffaf9611718965ee458dddd137def45e9f5a4d4b1a883a7",
        "sntrya_" "f926c61f59fd9080b0974b31b569b3bd815dde2d757730bb6949aa4eee98ae41",
    ],
    passes ["sntryu_" "name", "sntryu_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "newrelic-key", &[
        "NRAK-", "NRII-", "NRIQ-", "NRJS-", "NRRA-", "NRAA-", "NRBR-", "NRSP-", "NRIL-", "NRUK-", "nrak-",
    ], Varied(7),
    "(?:NR(?:AK|II|IQ|JS|RA|AA|BR|SP|IL|UK)|nrak)-[A-Za-z0-9_-]{16,}",
    finds [
        "NRAK-" "S6ALPRMUKZNMNPXJK1KTPXQ8CVU",
        "NRII-" "nVeDcIRg5MlVxIFRJfPE_mn61_mrQWLZ",
        "NRIQ-" "5EQuDBESyghxsGeD1cjcxPRVqGMTeweA",
        "NRJS-" "ccd611033d37594d4ed",
        "NRRA-" "23b1ab3f2bb26ee008d48829c2cdd278eff9a684c0",
        "NRAA-" "00d980c7f55bd5a91a6e9449a04",
    ],
    passes ["NRAK-" "KEY", "NRAK-" "XXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "newrelic-pixie-key", &["px-api-", "px-dep-"], Varied(6),
    "px-(?:api|dep)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    finds [
        "px-api-" "2fb478b9-acc8-4375-8485-3d0429449963",
        "px-dep-" "2ec07be8-4c0f-4e11-ba48-aa911500a8b4",
    ],
    passes ["px-api-" "docs", "px-api-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "newrelic-license-key-eu", &["eu01xx"], Varied(7),
    "eu01xx[A-Fa-f0-9]{26}(?:FFFFNRAL|[A-Fa-f0-9]{8})",
    finds ["eu01xx" "f3f62441a04f48bfe667f665b1FFFFNRAL", "eu01xx" "dff50ea6178339c3a8e3a3721bb32efdf0"],
    passes ["eu01xxl", "eu01xx" "xxxxxxxxxxxxxxxxxxxxxxxxxxFFFFNRAL"];
    "datadog-token", &["ddapp_", "ddpat_", "ddsat_", "ddrc_", "ddoat_"], Varied(8),
    "dd(?:app|pat|sat|rc|oat)_[A-Za-z0-9_]{30,}",
    finds [
        "ddapp_" "qGxpGLrueMPlcV9uBPbXaCNHDBgQ3HgAVv",
        "ddpat_" "IzNCuXg9HcFojPfM7h4jPJ_pIJhEboATwKAHzRiykn3zoM1oc5OtTkFcJBV6gfI",
    ],
    passes ["ddapp_" "name", "ddapp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "datadog-client-token", &["pub"], Varied(7),
    "pub[a-f0-9]{32}",
    finds ["pub" "e61661d4200c8f46fa59098291922504"],
    passes ["pub" "lish", "pub" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "dynatrace-token", &["dt0"], Varied(8),
    r"dt0[a-zA-Z][0-9]{2}\.[A-Za-z0-9-]{8,24}\.[A-Za-z0-9]{60,}",
    finds [
        "dt0" "c01.XJF4TLQFNALDB73HJ23PKQVK.IN4J5VDU3K4JK3OYSPVRIOCTWGNITW24HQNUHELEN27Z5VK6G4ZI7PE5FKUZI" "T6H",
        "dt0" "s16.WJ3IWDKR.SUN7HE4JSBB2AEIFCSVEIKLK42QDYLFPJLG4ZTDZBAQX66BEZVIDCVHENX7MEKG4",
    ],
    passes ["dt0" "c01.name"];
    "honeycomb-key", &["hcaik_", "hcaic_", "hcamk_", "hcbik_", "hcxik_", "hcalk_", "hcxmk_"], Varied(8),
    "hc[a-z][a-z]{2}_[A-Za-z0-9]{26,}",
    finds [
        "hcaik_" "01sy584pngpdvyar1hmd7qpokvmovldfty1lx9dhyn1ur0i6daqryz2s8x0j",
        "hcamk_" "01q0l6jn3lcfm56c21k0314awox5",
    ],
    passes ["hcaik_" "key", "hcaik_" "01xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "posthog-key", &["phc_", "phx_", "phs_", "pha_", "phr_"], Entropy(400),
    "ph[cxsar]_[A-Za-z0-9_]{39,}",
    finds [
        "phc_" "auI2kLcePVFgLRzncgfxDoE9EG7eA0Ex8Z5JyukZlJB",
        "phx_" "Y6TacsnF1HvIdqTIEHsSbxk1xqiMsRq9cTvQzjNHiDLRz",
    ],
    passes ["phs_" "name", "phc_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "axiom-token", &["xaat-", "xapt-"], Varied(6),
    "xa(?:at|pt)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    finds ["xaat-" "56c30ef0-c568-40e0-af0b-b5effde7233f", "xapt-" "c6f79025-ff02-4082-b82a-a2db1a54f20a"],
    passes ["xaat-" "token", "xaat-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "pagerduty-token", &["pdus+", "pdeu+"], Varied(7),
    r"pd(?:us|eu)\+[A-Za-z0-9_+-]{16,}",
    finds ["pdus+" "_0X0RgGBqWkFG65_a796c2fe-5257-4952-9529-a3b863e8e6af", "pdus+" "1aPAuMW6myMBEhpKC-AU"],
    passes ["pdus+1", "pdus+" "_0Xxxxxxxxxxxxx_xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "firehydrant-token", &["fhb-"], Varied(7),
    "fhb-[a-f0-9]{32,}",
    finds ["fhb-" "8ec165246d34e670f30f94929c2061e2111ef39f4f8d98223b1f341db2558580"],
    passes ["fhb-" "bot", "fhb-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "rootly-key", &["rootly_"], Varied(7),
    "rootly_[a-f0-9]{60,}",
    finds ["rootly_" "d68920efd91500e24c908c46fa0f084ccc88603b8faefdfc9697a6fc73e3c60a"],
    passes ["rootly_" "api", "rootly_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "checkly-key", &["cu_", "cs_"], Varied(7),
    "c[us]_[a-f0-9]{32}",
    finds ["cu_" "0571e490a13785f8d24638edc6570e9e"],
    passes ["cu_" "count", "cu_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "segment-token", &["sgp_"], Varied(10),
    "sgp_[A-Za-z0-9]{64}",
    finds [
        "sgp_" "GW9GJ1oagyl120Ibg2oUr2U3KMsByo72oNxcyHj93LFxWWDbpk9rBe4LPGF68TRO",
        "sgp_" "bd8a8789ceb370b253898d0dc013a1e9a5ce669db79195bbf2b34439b21d152e",
    ],
    passes ["sgp_" "name", "sgp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "launchdarkly-key", &["sdk-", "api-", "mob-"], Varied(6),
    "(?:sdk|api|mob)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    finds [
        "sdk-" "52ac098d-958a-406c-a3ad-7ccbb6f1bd1e",
        "api-" "a29d8f89-e8e0-4333-8f9e-903821924153",
        "mob-" "ac4a1453-4530-43f7-9d90-567d6c5dadfc",
    ],
    passes ["api-" "gateway-service-name-long", "sdk-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "statsig-key", &["secret-", "client-", "console-"], Entropy(430),
    "(?:secret|client|console)-[A-Za-z0-9]{43,50}",
    finds [
        "secret-" "q4pmOKAX0ZzaKNYVWnRphwabElWgjb5Ya2sFmQlwCnPd",
        "console-" "vimkkjtQqLEbX1AXEJchF6Q5XmJYLbMlOoK5PZLnsrnQ",
    ],
    passes ["secret-" "manager-controller", "secret-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "configcat-key", &["configcat-sdk-"], Varied(10),
    "configcat-sdk-[0-9]/[A-Za-z0-9_-]{22}/[A-Za-z0-9_-]{22}",
    finds ["configcat-sd" "k-1/Tnvu2m_-g4j6sR4Hl6mNri/ZaP3VTfBQ_B2TcpTItnG-w"],
    passes ["configcat-sd" "k-1/a/b", "configcat-sd" "k-1/xxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxxxxxxxxxxxxxxx"];
    "devcycle-key", &["dvc_server_", "dvc_client_", "dvc_mobile_"], Varied(7),
    "dvc_(?:server|client|mobile)_[A-Za-z0-9_-]{32,}",
    finds ["dvc_server_" "a152bb6a-6a21-49a6-a138-464b8b2f46e0_lNqGwN1"],
    passes ["dvc_server_" "name", "dvc_server_" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx_xxxxxxx"];
    "flagsmith-key", &["ser."], Entropy(360),
    r"ser\.[A-Za-z0-9]{22}",
    finds ["ser." "NjCB57S1RhWu1d3HbwwGuE"],
    passes ["ser." "deserialize", "ser." "xxxxxxxxxxxxxxxxxxxxxx"];
    "beamer-key", &["b_"], Entropy(455),
    "b_[A-Za-z0-9=_+/-]{42}[A-Za-z0-9=]",
    finds ["b_" "a+ykt+DDiAHcX3WPehuQpFmK8Po7zBvxbH9WUP5Uj0="],
    passes ["b_" "column", "b_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="];
    "trigger-dev-key", &["tr_dev_", "tr_prod_", "tr_stg_", "tr_pat_", "tr_preview_"], Varied(8),
    "tr_(?:dev|prod|stg|pat|preview)_[A-Za-z0-9]{18,}",
    finds ["tr_dev_" "zYz6MEo38b6vWt6D5wC2Wbgb", "tr_pat_" "isxakyjkr3pleymc1r4kd8l1a3isc16nkd6al1uq"],
    passes ["tr_dev_" "name", "tr_dev_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "inngest-key", &["signkey-"], Varied(7),
    "signkey-(?:[a-z]+-)?[a-f0-9]{32,}",
    finds [
        "signkey-" "prod-bda96227c51dd862334f440c808f7ee8353acd481f3d7a5a3985a68433ad2dab",
        "signkey-" "cc7e4096101aeb86b444e6d3f7cff17df1d7a88ef00b91f2978b0f7ea5f58f4a",
    ],
    passes [
        "signkey-" "rotation",
        "signkey-" "prod-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "n8n-key", &["n8n_api_"], Varied(7),
    "n8n_api_[A-Za-z0-9]{40,}",
    finds ["n8n_api_" "9b8d39202c505b12725288bd5c60f4a28a469867a4c7c2673b1d2640903375049f5ec086029db182"],
    passes [
        "n8n_api_" "enabled",
        "n8n_api_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "healthchecks-ping", &["hc-ping.com/"], Varied(6),
    r"hc-ping\.com/(?P<secret>[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12})",
    finds ["hc-ping.com/" "44b83b18-d13f-4dc0-997e-deef9386560c"],
    passes ["hc-ping.com/" "docs", "hc-ping.com/" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "pagerduty-integration-url", &["events.pagerduty.com/integration/"], Varied(7),
    r"events\.pagerduty\.com/integration/(?P<secret>[A-Za-z0-9]{28,36})",
    finds ["events.pager" "duty.com/integration/d6bb2af134c71b1352bd873eefcd0e31/enqueue"],
    passes [
        "events.pager" "duty.com/integration/docs",
        "events.pager" "duty.com/integration/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/enqueue",
    ];
    "logicmonitor-token", &["lmb_", "lmv1:"], Varied(10),
    "(?:lmb_[A-Za-z0-9+/]{40,}={0,2}|lmv1:[A-Za-z0-9+/=:_-]{40,})",
    finds [
        "lmb_" "XnnBH39uvlYx2vDtFSpGeXdaa0G8SUax560oD9HNd82dCrF56oS6+7CJVMC/JpZw==",
        "lmv1:" "ADelhH59WxChIfMEEmmX:LJTBjNIZD4j3hCQH36alJrQXgvoCIiq5LhY/aTCRx8r=:1789012345678",
    ],
    passes ["lmb_" "count", "lmb_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=="];
    "logfire-token", &["pylf_v"], Varied(8),
    "pylf_v[0-9]_(?:[a-z]{2}_)?[A-Za-z0-9]{40,64}",
    finds ["pylf_v1_us_" "9C3AWlC0zLGI1tV1ZEb84wCdKGLhhp2rcndVKFdc7nu"],
    passes ["pylf_v1_us_" "token"];
};
