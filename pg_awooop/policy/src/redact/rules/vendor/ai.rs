//! Keys of model vendors and of services for agents.
//!
//! Lengths: documentation of OpenAI, Anthropic, Hugging Face and others; gitleaks, Kingfisher and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "openai-key", &["sk-"], Varied(14),
    "sk-(?:[a-z]{2,12}-)?[A-Za-z0-9_-]{16,}T3BlbkFJ[A-Za-z0-9_-]{16,}",
    finds [
        "sk-" "35cGgPG6djurq7yVyc16T3BlbkFJii42f5Mdgo5ZZxljtrah",
        "sk-" "proj-TQZGKy55o0w4DYkX-0IhK2dFLS19F5GrakyYd8Z-CHg8DBu9KNANqBieXuDdI9XQEClo3MgOXmT3BlbkFJIyq"
          "2KJblEXLbsPVnwyn4fpM4ppYNt2rqzqLpr8N-C11opUAPdUzG4bLJly0T3ll1jpydPolT41",
        "sk-" "svcacct-UF35e6hXIp1vSAJdUJbTn7UHOHexNVQPh-GVecc6p-occfCIYswccik7vpT3BlbkFJdmeN6W2ohcSPMnlM"
          "L-FEP1UBbof9budE1H1nLy336gLuO-JBdWBggDg-Tl",
        "sk-" "admin-Jjg3UNUzAW9iPdrMYP2XOKms1p14Iruc76xaNdIHfeJg9TX8J9dwwXX4oKT3BlbkFJYpsBgDIMLzlNpP1TuE"
          "oxl6fs0nQ9RgFTryuf8KQjcqF98XaIfIBvNY-19C",
    ],
    passes ["sk-" "learn-pipeline-with-long-name", "sk-" "xxxxxxxxxxxxxxxxxxxxT3BlbkFJxxxxxxxxxxxxxxxxxxxx"];
    "openai-scoped-key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-service-", "sk-None-"], Entropy(430),
    "sk-(?:proj|svcacct|admin|service|None)-[A-Za-z0-9_-]{40,}",
    finds [
        "sk-proj-" "gm2pndAnTpUGBspZhkyH_m-W_aZjsiSZwJCwyA86mRU5bPmczORuiBn3ECr1RKvFZr2QQPUllNFFnPDDNUYgVPqd8P"
          "5wkGJ523Pssv0guxLvkJ",
        "sk-svcacct-" "blm3YFiHWmYTMBdB7oU6AncF_sni6JenaZ4VE3SuRfC08I6RzIh_GGrPKQP0gclj",
        "sk-None-" "wIkQ5UABjg8pVkcbhRZwvh69qn9FgvyvDFTvaiSxyrIQBEuC",
    ],
    passes ["sk-admin-" "panel-component-with-a-very-long-kebab-case-name"];
    "openai-legacy-key", &["sk-"], Varied(10),
    "sk-[A-Za-z0-9]{48,51}",
    finds [
        "sk-" "RCqpYgHFjifPc9Xu0CrrQBdZVugFBS3Bjf0vaTXOYXQ7BFME",
        "sk-" "18lztt8695lo33t0hronvqc3bd70h8fz2346clr29myeemt9",
    ],
    passes [
        "sk-" "learn-pipeline-with-long-name",
        "sk-" "0123456789abcdef",
        "sk-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "sk-hex-key", &["sk-"], Varied(7),
    "sk-[a-f0-9]{32}",
    finds ["sk-" "79281a66f0c918278dd868c88a775069"],
    passes [
        "sk-" "7f9c1a",
        "sk-" "mask-rcnn-resnet-50-fpn-coco-v2",
        "sk-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "openai-session", &["sess-"], Varied(8),
    "sess-[A-Za-z0-9]{40,}",
    finds ["sess-" "klCfuNcHr9KHdWouQWQsyaqBhCZ8cTb2zfWjGCyM"],
    passes ["sess-" "lifetime-in-seconds", "sess-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "openai-webhook-secret", &["whsec_"], Varied(8),
    "whsec_[A-Za-z0-9+/=_-]{24,}",
    finds [
        "whsec_" "fn9F2roeeE8XnUolGH3oj57nHxFEdqr3",
        "whsec_" "uH0A5VtFMwoyeLzSCSlwM79Uzi9rw9nCT2h3trR+9V=",
    ],
    passes ["whsec_" "test_placeholder", "whsec_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "anthropic-key", &["sk-ant-"], Varied(12),
    "sk-ant-[a-z]{2,8}[0-9]{2,4}-[A-Za-z0-9_-]{32,}",
    finds [
        "sk-ant-" "api03-raLFoBVks1NXM8mc-mjN7MI2bIfL8_nR7momzcIdQXX1dwN4uMmL894yhoPWNvmWL6HTLdLl7e7pA8qObYx4"
          "0e3vHdaEPAA",
        "sk-ant-" "admin01-uziSjRojdJA6QJnECf4be-WfUHaaFG9mgY8Uq-YR07eypf14EXWfxzwuRyKrIDyNeYM_Z8UuQ8EXFj5y0W"
          "Z48YVAK0Ms0AA",
        "sk-ant-" "oat01-Xz4uGrQAXLxVY2mB6g3CjG6f_g8gwRH2pYQV2rzCqfIDIJ59_NfcIrz6gtf3V0gNiLQSwYYD4t83SVG_YAhU"
          "c8jBDzwWTAA",
        "sk-ant-" "ort01-emMN-2sDhfRuTeejejNGbTHLzsIjCwR9_4eSU81fWvLcTuIDfbMQ8FdwVofBQZ_uMGZCDO2GYpJbZd515GYW"
          "PTEWdgKsAAA",
        "sk-ant-" "sid01-9R4IyTungwP1RPMiOwu8xpA0ch6G8xXILVGVQm8yxLPGaEhebtaNAa2wlHRcFMcpoJ8WYFiGvaLBxwMSrpyh"
          "YdAA",
    ],
    passes ["sk-ant-" "colony-optimiser-library"];
    "openrouter-key", &["sk-or-"], Varied(8),
    "sk-or-(?:v[0-9]-)?[A-Za-z0-9]{40,}",
    finds ["sk-or-" "v1-c9538258bde919370e1d6b94be5d1fc3caaf36165e730f66c6013e10df99c93d"],
    passes [
        "sk-or-" "something-like-it",
        "sk-or-" "v1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "langfuse-secret-key", &["sk-lf-"], Varied(6),
    "sk-lf-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}",
    finds ["sk-lf-" "043c8fd8-c6db-4c8c-9a2a-77f2582db8a7"],
    passes ["sk-lf-" "2024", "sk-lf-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "langfuse-public-key", &["pk-lf-"], Varied(6),
    "pk-lf-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}",
    finds ["pk-lf-" "7c1a1ab7-ead0-4bea-82b5-6bdbc5dd5b1e"],
    passes ["pk-lf-" "index", "pk-lf-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "helicone-key", &["sk-helicone-", "pk-helicone-"], Varied(8),
    "[sp]k-helicone-(?:[a-z]{2}-)?[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}-[a-z0-9]{7}",
    finds [
        "sk-helicone-" "s0ru9li-5ahfbos-ourxvwk-pw8vav8",
        "sk-helicone-" "eu-4t0t1ie-8546337-zxah0gc-b98pohk",
    ],
    passes ["sk-helicone-" "proxy-worker", "sk-helicone-" "xxxxxxx-xxxxxxx-xxxxxxx-xxxxxxx"];
    "vendor-scoped-sk-key", &[
        "sk-kimi-", "sk-cp-", "sk-ss-", "sk-or1-", "sk-litellm-", "sk-cerebras-", "sk-aig-", "sk-sp-",
    ], Entropy(420),
    "sk-[a-z0-9]{2,8}-[A-Za-z0-9_-]{32,}",
    finds [
        "sk-kimi-" "1t59DoO0DbgU0s0GKx6hBqcwIpke6dyddKSyD9TdJ31F5tKjW4ptu19BYWbOdmCL",
        "sk-cp-" "lAtW_Dz8jODXnqmi77xNkYJESxbzOn_GAF4lL-6GjYYZBd9e",
    ],
    passes [
        "sk-cp-" "means-a-module-for-copying-configuration-files-around",
        "sk-kimi-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "xai-key", &["xai-"], Varied(10),
    "xai-[A-Za-z0-9_-]{64,}",
    finds ["xai-" "Iq6SpRNBbxAlYTdWuOemCt42aqA14IVqNMuZlFM7vork2SY02JwBcNAMhUEYcZcJSZwJZudnRFU3Abyd"],
    passes [
        "xai-" "explainability-toolkit",
        "xai-" "token",
        "xai-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "groq-key", &["gsk_"], Varied(10),
    "gsk_[A-Za-z0-9]{40,}",
    finds ["gsk_" "F1FJIqERHDelt4MoRJKbX8yytmxCZ8I0EFpJCvdQstZXjj5dXFrT"],
    passes ["gsk_" "model_weights", "gsk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "huggingface-token", &["hf_"], Varied(10),
    "hf_(?:[A-Za-z0-9]{34}|oauth_[A-Za-z0-9_-]{30,}|jwt_[A-Za-z0-9._-]{40,})",
    finds [
        "hf_" "jIntuGMlGMdtKGohZoWQXvLoPzGPDLiPgj",
        "hf_" "IX5LY2q3T6ZUx0SU6VJ5x9c714RnBTmmmK",
        "hf_" "oauth_QWrPtFrTaR3XWWqg9GKANIVExKgSVyC7aQgq3jw6",
    ],
    passes [
        "hf_" "model_name",
        "hf_" "generatedByHomeAppForDebuggingPurposesKey",
        "hf_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "huggingface-organization-token", &["api_org_"], Varied(10),
    "api_org_[A-Za-z0-9]{34}",
    finds ["api_org_" "TMksnxaWrcmyIzbfGdRsrSVfBjvtuVtWDe", "api_org_" "MY1e2Ob8KkGyq4A2i7W7WMudE4RYwEw2SZ"],
    passes ["api_org_" "inclusion_with_href", "api_org_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "replicate-token", &["r8_"], Entropy(400),
    "r8_[A-Za-z0-9_-]{37,48}",
    finds ["r8_" "MhujutI6US2M6ragfE0HqYzX4w6MGIJcezik4"],
    passes [
        "r8_" "snorm",
        "r8_" "unorm_render_target_with_a_long_name",
        "r8_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "perplexity-key", &["pplx-"], Varied(8),
    "pplx-[A-Za-z0-9]{40,}",
    finds [
        "pplx-" "LmOfZSG5Dt55ZVko1rYgfuIRKMaMknBQMWpTrxGoT4cE12BG",
        "pplx-" "dc8aaf5acddcda8bd1d5814820351b71c50a6778fd2c966a",
    ],
    passes ["pplx-" "70b-online", "pplx-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "tavily-key", &["tvly-"], Varied(8),
    "tvly-(?:(?:dev|prod)-)?[A-Za-z0-9_-]{28,}",
    finds ["tvly-" "h98hvXJ2zG1hsFoVQL83pfHdvGTLhfYa", "tvly-" "dev-4dwMVUv53whSJqzZypVgCGWjYqTcaGwU"],
    passes ["tvly-" "python", "tvly-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "firecrawl-key", &["fc-"], Varied(6),
    "fc-[a-f0-9]{32}",
    finds ["fc-" "20d45b04685a7ed555226ba99afe31cf"],
    passes ["fc-" "match", "fc-" "0001", "fc-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "jina-key", &["jina_"], Varied(8),
    "jina_[A-Za-z0-9_-]{48,}",
    finds ["jina_" "7a7a4bef2617500415787e33e193fb83Ygfr4itg7Z3cBHl74ewFMEymzKhv"],
    passes [
        "jina_" "embeddings_v2_base_en",
        "jina_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "langsmith-key", &["lsv2_", "ls__"], Varied(7),
    "(?:lsv2_(?:pt|sk)_[A-Za-z0-9]{32}_[A-Za-z0-9]{10,}|ls__[a-f0-9]{32})",
    finds [
        "lsv2_" "pt_7437771c0ca09be59de7745d9a7925df_902c1dfd8c",
        "lsv2_" "sk_9a79e82124274a0331c081ab7db6831f_daead6a2f4",
        "ls__" "f841bde4e418b150d5f423b887a53638",
    ],
    passes ["lsv2_" "pt_example", "lsv2_" "pt_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxx"];
    "nvidia-nim-key", &["nvapi-"], Varied(10),
    "nvapi-[A-Za-z0-9_-]{48,}",
    finds ["nvapi-" "jis_J1L5H6v6uaxYlYySzShl7e1j2_jVzbsQtqdo-fnR7dj2MYk2dfAtr1wK_MmX"],
    passes [
        "nvapi-" "sdk-release",
        "nvapi-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "fireworks-key", &["fw_"], Entropy(375),
    "fw_[A-Za-z0-9]{22,32}",
    finds ["fw_" "cZPf9skqkr2TLjEJ4O6KiffZ"],
    passes ["fw_" "version", "fw_" "update_in_progress_flag", "fw_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "together-key", &["tgp_v1_"], Varied(8),
    "tgp_v1_[A-Za-z0-9_-]{32,}",
    finds ["tgp_v1_" "3sGQfQm4z_acedo9jQTtyst_SRAKQvtNe0gRjnYwlf8"],
    passes ["tgp_v1_" "beta", "tgp_v1_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cerebras-key", &["csk-"], Varied(10),
    "csk-[a-z0-9]{40,56}",
    finds ["csk-" "0t7xfdypjpgv7jyan0sj999qs5c2ozm1ghuso95rzrtjasnn"],
    passes ["csk-" "benchmark", "csk-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "wandb-key", &["wandb_v1_"], Varied(10),
    "wandb_v1_[A-Za-z0-9_]{40,}",
    finds ["wandb_v1_" "BNWvQnPmh0YPT9HQKFBSarmroJg_zvdHDjOy6JjStFuw7NoCgw72lrBaRmFYh7U6lLQZxoseFCQp"],
    passes [
        "wandb_v1_" "migration_guide",
        "wandb_v1_" "xxxxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "google-gemini-key", &["AQ.Ab"], Varied(10),
    r"AQ\.Ab[A-Za-z0-9_-]{30,}",
    finds ["AQ.Ab" "8MIQ9GVcC77n4VmWHJwAmD-aqcOTU_IAEMjKgFEz3tchjNUrB"],
    passes ["AQ.Abc", "AQ.Ab" "8xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "elevenlabs-key", &["sk_"], Varied(8),
    "sk_[a-f0-9]{48}",
    finds ["sk_" "6686bb3f12d798ac96f2b2160a7b6b66e8178b0724cd0c9f"],
    passes ["sk_" "table_column", "sk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "llamaindex-cloud-key", &["llx-"], Varied(10),
    "llx-[A-Za-z0-9]{40,}",
    finds ["llx-" "tRWP8PZCpbs9Jc2AZldoMOqcYhFPIND9aoUOTdDx1wsFYyxU"],
    passes ["llx-" "parse", "llx-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "voyage-key", &["pa-", "al-"], Entropy(430),
    "(?:pa|al)-[A-Za-z0-9_-]{43}",
    finds [
        "pa-" "Q_YmxSecG9H3N_Y-Qsl3pDoKQg3Ip4Hp4p9DVWQkDcH",
        "al-" "T2dmnhhPZOfnVvNoNfSGy6v20rUTCIqli504nIDyrcJ",
    ],
    passes [
        "pa-" "a-rather-long-kebab-case-name-of-some-service",
        "pa-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "anyscale-key", &["esecret_"], Varied(8),
    "esecret_[A-Za-z0-9]{24,}",
    finds ["esecret_" "jgu73mpcio6rk84wg86jkr8w6swnfgl0xzl6vh8u"],
    passes ["esecret_" "storage", "esecret_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "runpod-key", &["rpa_", "rps_"], Varied(10),
    "rp[as]_[A-Za-z0-9]{36,}",
    finds ["rpa_" "1XO33LQZWV0BYOYLEBXLNCMZ68V1HOHAMXTZe8kfop"],
    passes ["rpa_" "process_name", "rpa_" "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXxxxxxx"];
    "e2b-key", &["e2b_"], Varied(7),
    "e2b_[a-f0-9]{32,}",
    finds ["e2b_" "356f1079455c456b4ac0d3fef0ce3d22830dc108"],
    passes ["e2b_" "sandbox", "e2b_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "modal-token", &["ak-", "as-", "wk-", "ws-"], Entropy(360),
    "(?:a[ks]|w[ks])-[A-Za-z0-9]{22}",
    finds ["ak-" "QahlbTpIyBc62ZT5GMacgd", "as-" "V8ILvyLsN05p0NsrTEzl0Y"],
    passes ["ak-" "kubernetes", "as-" "internationalisations", "ak-" "xxxxxxxxxxxxxxxxxxxxxx"];
    "browserbase-key", &["bb_live_", "bb_test_"], Varied(8),
    "bb_(?:live|test)_[A-Za-z0-9_-]{24,}",
    finds ["bb_live_" "FM4fcdKjb-FhI-SANwC5O8S0Stu"],
    passes ["bb_live_" "view", "bb_live_" "xxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "apify-token", &["apify_api_"], Varied(8),
    "apify_api_[A-Za-z0-9-]{34,}",
    finds ["apify_api_" "ZEjmtCOMIW2fx6v980NN6YSB1UQmoiqaiwMk"],
    passes ["apify_api_" "client", "apify_api_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cursor-key", &["key_", "crsr_"], Varied(8),
    "(?:key|crsr)_[a-f0-9]{64}",
    finds [
        "key_" "935eef8e7497ee6647e8cfb590c75202dad68ab53268c1d21fc440cdf59a1448",
        "crsr_" "7bc24f5b3b37665fa465d19087a19e5fc50bec0a31872fec750c4e2bcc534689",
    ],
    passes [
        "key_" "0123456789abcdef",
        "key_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "copilot-token", &["tid="], Varied(10),
    "tid=[a-f0-9]{32};exp=[0-9]{10}(?:;[A-Za-z0-9_.=-]+)*:[a-f0-9]{64}",
    finds [
        "tid=" "3428025abd366c96d2fbea0bcf3ed347;exp=1789012345;sku=free;st=dotcom;8kp=1:fc334cc3673a85e5f"
          "92a797509174fd64302db5907affe27db7290af32c6e510",
    ],
    passes ["tid=" "42;exp=1789012345"];
    "friendli-token", &["flp_"], Varied(10),
    "flp_[A-Za-z0-9]{46,}",
    finds ["flp_" "JnO6VF6RpuW4IAba4zl9q5Hb8g0v40GhxOzSftLfkQqUzJsm6P"],
    passes ["flp_" "segment", "flp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mem0-key", &["m0-"], Entropy(420),
    "m0-[A-Za-z0-9]{40}",
    finds ["m0-" "CcF36XDwzI5Muy8UIDcx2Ni6Nfdm71tH2GIbLl8W"],
    passes ["m0-" "release", "m0-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "voiceflow-key", &["VF."], Varied(8),
    r"VF\.(?:(?:DM|WS)\.)?[A-Fa-f0-9]{24}\.[A-Za-z0-9]{16}",
    finds [
        "VF." "DM.d163cb9c3cccff44cfb1d117.ZNVubbuUqzNXZimY",
        "VF." "669656f89522c885551393e0.LvrT2eP7tcB5Ja4B",
    ],
    passes ["VF." "DM.example", "VF." "DM.xxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxx"];
    "braintrust-key", &["bt-st-"], Varied(10),
    "bt-st-[A-Za-z0-9]{40,}",
    finds ["bt-st-" "9EvjGnhkEjjOGZkgmQ8KoMxLYrBAHNuq2MOqQgyFygLFTQzt"],
    passes ["bt-station", "bt-st-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "photoroom-key", &["sk_pr_", "sandbox_sk_pr_"], Varied(8),
    "(?:sandbox_)?sk_pr_[A-Za-z0-9]{1,64}_[A-Fa-f0-9]{40}",
    finds [
        "sk_pr_" "default_938cdc652a465f0bb962216612c486a5b072cbc8",
        "sandbox_sk_p" "r_default_7df78950a23482b7b6096dbe2e2d6ac45a9b4c41",
    ],
    passes ["sk_pr_" "default_key", "sk_pr_" "default_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "salad-cloud-key", &["salad_cloud_"], Varied(10),
    "salad_cloud_[A-Za-z0-9]{1,7}_[A-Za-z0-9]{16,}",
    finds ["salad_cloud_" "user_Q8fjgwwDYQRE2hyMLzoJyzPu22C0E07AiNSafJ97"],
    passes ["salad_cloud_" "user_guide", "salad_cloud_" "user_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "hyphenated-live-key", &["pk-live-", "sk-live-", "pk-test-", "sk-test-"], Entropy(400),
    "[ps]k-(?:live|test)-[A-Za-z0-9_-]{24,}",
    finds [
        "sk-live-" "h2d23DdyyA9vVbUtlOITlQuleK7UrhxxpSRhrvue",
        "pk-test-" "p2ffqoaA9Ja7_UCVB5ZWh8i8cvdu8tuy",
    ],
    passes ["sk-live-" "environment-with-long-name", "sk-live-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "nebius-key", &["v1.CmM"], Varied(12),
    r"v1\.CmM[A-Za-z0-9_-]{60,}(?:\.[A-Za-z0-9_-]{60,})?",
    finds [
        "v1.CmM" "zLUGCbhCV5aqo-MlTzef5RkMjbFjCMY9UdrW9k1XdO8l-ulbGVtq2CUjq76aRA_qMulpk0o6H_wvDqtvkI7q_ZUuH2"
          "yF66ER3va2xGOe1TJziS.upj1rAM70eSXN3xt_OzlBlkrdAjvREruv2q_VricZQk-hGKmuoBfEOKOuZq524zK0H_XS"
          "W0LEkMcrjzwFHBZiN",
    ],
    passes ["v1.CmM"];
    "dvc-studio-token", &["isat_"], Varied(10),
    "isat_[A-Za-z0-9]{40,}",
    finds ["isat_" "ndnWFyjmzfcLDIA8tFwj5USO6rGBdYJC9pPFV2dDhqx41oTfa8rF"],
    passes ["isat_" "name", "isat_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "val-town-token", &["vtwn_"], Varied(8),
    "vtwn_[A-Za-z0-9]{20,}",
    finds ["vtwn_" "wmHbl2eFbu9QKsykZdRq1Mye6WE"],
    passes ["vtwn_" "name", "vtwn_" "xxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "zuplo-key", &["zpka_"], Varied(8),
    "zpka_[A-Za-z0-9]{32,}(?:_[a-f0-9]{8})?",
    finds ["zpka_" "e1bf21e1ab6078bbeb25a40fbff8ebd2_876a3301"],
    passes ["zpka_" "name", "zpka_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxx"];
    "sindri-key", &["sindri_"], Varied(8),
    "sindri_[A-Za-z0-9]{32,}",
    finds ["sindri_" "FMiyjR1GIXKUf5tNdCPxIOqYji2ejU7V"],
    passes ["sindri_" "name", "sindri_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
};
