//! Tokens and webhooks of chat, mail and telephony.
//!
//! Lengths: documentation of Slack, Discord, Telegram, Twilio and others; gitleaks, detect-secrets and Kingfisher.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "slack-bot-token", &["xoxb-"], Varied(6),
    "xoxb-[A-Za-z0-9]{6,16}-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9-]{8,})?",
    finds [
        "xoxb-" "072481465726-794764071994-mx6VY28Ny2nDfOvxs2F0nIAp",
        "xoxb-" "74132016069-xxuIokX7SdKoHVN3EKBKr1SB",
        "xoxb-" "CD0FB7BC-a50007c36241-b460853d3d81ddf8f5502962",
    ],
    passes [
        "xoxb-" "12345-abcd234",
        "xoxb-" "xoxb-my-bot-token",
        "xoxb-" "000000000000-000000000000-xxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "slack-user-token", &["xoxp-", "xoxe-", "xoxs-", "xoxo-", "xoxa-", "xoxr-", "xoxd-", "xoxc-"], Varied(6),
    "xox[peosardc]-(?:[0-9]-)?[0-9]{5,}(?:-[0-9]{5,}){0,3}-[A-Za-z0-9-]{8,}",
    finds [
        "xoxp-" "939113251412-878281216521-752533446567-a20527234b05689582e31e3891d206de",
        "xoxs-" "2907533473-6654434576-0215784148-2c7d988f7d",
        "xoxa-" "2-023355112-04952803453-9179039133802-f31dbdefcde9f7329f",
        "xoxr-" "891124-649077-298966-4c563d16db2a803ba9",
    ],
    passes [
        "xoxo-" "indieweb-1",
        "xoxp-" "000000000000-000000000000-000000000000-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "slack-workspace-token", &["xoxa-", "xoxr-"], Varied(6),
    "xox[ar]-(?:[0-9]-)?[A-Za-z0-9]{8,48}",
    finds ["xoxa-" "2-ld04ksucmfqiktqu8njp", "xoxr-" "4f15hx02hcp1"],
    passes ["xoxa-" "token", "xoxa-" "2-xxxxxxxxxxxxxxxxxxxx"];
    "slack-cookie-token", &["xoxd-"], Varied(10),
    "xoxd-[A-Za-z0-9%+/=]{40,}",
    finds [
        "xoxd-" "7XjxwYOG1aFrOJohvKoqGUK1ih558nNfS569mQHkjjXMrqo7l2dm8b6spbpl%2B4HPOBzLjKCCB3MFDuVnEpoPr23e"
          "xxIpKce9fx1lk%3D",
    ],
    passes ["xoxd-" "cookie"];
    "slack-configuration-token", &["xoxe-", "xoxe."], Varied(10),
    r"xoxe(?:\.xox[bp])?-[0-9]-[A-Za-z0-9]{40,}",
    finds [
        "xoxe-" "1-My0xBSTqegYiWanPTHF5D5uUHwJSvIiJQRrNR6B5hIyiRGgjRzfvaC2YQyurjL0PPZStewUx6J3onPg5WjPptZNe"
          "hJz4JL5jkSNebBGkEcAzSrQ32H",
        "xoxe." "xoxp-1-Mi0yBOzkauZkDCqpbPVtDgp5pvDmPk35WflPOcK01JE2PtQC2C4Gi1Tj9qCudc5Q2KOPyGkuCW4b0Z0ZRAX"
          "kW5SYCeUvHI7LUmWjaGeuVvSF3D2wRJ",
        "xoxe." "xoxb-1-Ftp61RHJ1STaBuTXEkU7Ty9zsMyinykkE4hf0NgyQyvTcGNN82R5KMSn2zDCBHOCeCrQCrALENG2ILaNqWK"
          "OdR6RVYfmw3AcVb8HjH71vPmYon",
    ],
    passes ["xoxe-" "1-token"];
    "slack-app-token", &["xapp-"], Varied(8),
    "xapp-[0-9]{1,3}-[A-Za-z0-9]{8,16}-[0-9]{8,16}-[A-Za-z0-9]{16,}",
    finds [
        "xapp-" "1-A0RZPR00I1F-9265547752362-27ab628445981e6aa73ab97ff35340c8dfcd6ba83af277d0ec0acc31aa624d"
          "b3",
    ],
    passes ["xapp-" "1-name"];
    "slack-legacy-app-token", &["xapp-"], Varied(8),
    "xapp-[0-9]{12}-[A-Za-z0-9/+]{24}",
    finds ["xapp-" "914073140242-vO1F0Htnei0AeNARjQKdOvYK"],
    passes ["xapp-" "012", "xapp-" "000000000000-xxxxxxxxxxxxxxxxxxxxxxxx"];
    "slack-webhook", &[
        "hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/",
        "hooks.slack.com\\/", "hooks.slack-gov.com/services/",
    ], Varied(6),
    r"hooks\.slack(?:-gov)?\.com\\?/(?:services|workflows|triggers)\\?/(?P<secret>[A-Za-z0-9+/\\_-]{24,})",
    finds [
        "hooks.slack." "com/services/TDFHWK0QE/BNSFKZZZ5/sGCTdsMRSukn7Zvi9L5vBdb9",
        "hooks.slack." "com/workflows/TH6C5506Q/ATPMBVP2FW/926202254955887967/cDCGYjH909rUGKEwD5Tc3aI5",
        "hooks.slack." "com\\/services\\/T56AK8FDG\\/BOZGBN6SZ\\/USPBAtgcMmyaOjYGX04gQBFP",
        "hooks.slack." "com/triggers/TZB5AGVEK/2946781974296/3069e9d84456c9da5bb7d35c83ac06e1",
    ],
    passes [
        "hooks.slack." "com/services/",
        "hooks.slack." "com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "hooks.slack." "com/services/TXXXXXXXX/BXXXXXXXX/xxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "discord-webhook", &["discord.com", "discordapp.com"], Varied(10),
    r"discord(?:app)?\.com\\?/api\\?/(?:v[0-9]{1,2}\\?/)?webhooks\\?/(?P<secret>[0-9]{15,21}\\?"
      "/[A-Za-z0-9_-]{50,})",
    finds [
        "discord.com"
          "/api/webhooks/137397766221648418/OazfvTX8cGeHZYRcQxUInsXI5Go6nRzTd1SAu7EzikQ8t54mOyfNVB9jY"
          "R4KmGAGPQpF",
        "discordapp.c"
          "om/api/webhooks/926205249838661989/1o5qZbbDty3bI-ZlANy4FC_sUKHqldFq-pKQ1Rru3EY5ONsgD7FFLmB"
          "fTeLVmPD2LgMm",
        "discord.com"
          "/api/v10/webhooks/3731812205584541405/F0L6I4enS3gf8eCNQIbfr6q-Yj4NQvhMwT5tgIcDfoc9cMqJEYEk"
          "9b_ymcx83oHdraae",
    ],
    passes ["discord.com" "/api/webhooks/1/a"];
    "discord-mfa-token", &["mfa."], Varied(12),
    r"mfa\.[A-Za-z0-9_-]{80,}",
    finds ["mfa." "JlTHBElY7tEISDGaDD59Hnm-oWjMS_LFNu4jf3Rcw5dZgGB3_PR3u2h3DGO5-HCSTgLynx5gRBp22I9SV2DC"],
    passes [
        "mfa." "enabled",
        "mfa." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "telegram-bot-url", &["bot"], Varied(8),
    "bot(?P<secret>[0-9]{5,16}:[A-Za-z0-9_-]{30,})",
    finds ["bot" "4803271032:AAS0xjHItqZqv311hD2CEbsW_c16Ys_J7Eq/sendMessage"],
    passes ["bot" "1:hello", "bot" "any", "bot" "0000000000:AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/sendMessage"];
    "teams-webhook", &[
        "webhook.office.com/webhookb2/", "outlook.office.com/webhook/", "outlook.office365.com/webhook/",
    ], Varied(8),
    r"(?:webhook|outlook)\.office(?:365)?\.com/webhook(?:b2)?/(?P<secret>[A-Za-z0-9-]{36}@[A-Za-z0-9-]{36}"
      "/IncomingWebhook/[A-Za-z0-9]{32}/[A-Za-z0-9-]{36}(?:/[A-Za-z0-9_-]+)?)",
    finds [
        "webhook.offi"
          "ce.com/webhookb2/4f371ae7-b554-413b-b7e8-3e2c66af3b11@395f4c01-f463-4f7c-9b03-10caa621e874"
          "/IncomingWebhook/5d9706cb7ce7b46a58c87656ba588910/8c198a91-6d8a-4c2a-9e92-858ffab85348",
        "outlook.offi"
          "ce.com/webhook/8c8b3392-00f4-4992-9df9-b2676b0197f2@fc27f51a-8a3d-48ba-b628-eab948d4c371/I"
          "ncomingWebhook/aed780cd4e64e20d2943b444f54ca8a2/762ed7f6-43f2-4868-bbcb-0cd6922770aa",
    ],
    passes ["outlook.offi" "ce.com/webhook/"];
    "google-chat-webhook", &["chat.googleapis.com/v1/spaces/"], Varied(10),
    r"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]+/messages\?(?P<secret>key=[A-Za-z0-9_-]{20,}(?:&|\\u0026"
      "|&amp;)token=[A-Za-z0-9_%=-]{20,})",
    finds [
        "chat.googlea"
          "pis.com/v1/spaces/AAAAtXgzZCp/messages?key=AIzaSyokYE-ieVAXKVeWp3BVxKvxyHHU09BvG4P&token=9"
          "cC3kCqJsPk6Su5kUENbSibWbjXfB9oI_CoAMvvTz2j%3D",
    ],
    passes ["chat.googlea" "pis.com/v1/spaces/AAAA/messages"];
    "feishu-webhook", &[
        "open.feishu.cn/open-apis/bot/v2/hook/", "open.feishu.cn/open-apis/bot/hook/",
        "open.larksuite.com/open-apis/bot/v2/hook/", "open.larksuite.com/open-apis/bot/hook/",
    ], Varied(6),
    r"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/(?:v2/)?hook/(?P<secret>[A-Za-z0-9-]{32,36})",
    finds [
        "open.feishu." "cn/open-apis/bot/v2/hook/bcd17264-b605-4726-aa43-7b3777ae4162",
        "open.larksui" "te.com/open-apis/bot/hook/9d993191084107061976c197cc253106",
    ],
    passes [
        "open.feishu.cn/document",
        "open.feishu." "cn/open-apis/bot/v2/hook/xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    ];
    "dingtalk-webhook", &["oapi.dingtalk.com/robot/"], Varied(7),
    r"oapi\.dingtalk\.com/robot/send\?access_token=(?P<secret>[A-Fa-f0-9]{60,})",
    finds [
        "oapi.dingtal"
          "k.com/robot/send?access_token=206becaa8354e561e2819af0addbfe446e41a8a2cf307fb96b508b515aff" "01d8",
    ],
    passes ["oapi.dingtal" "k.com/robot/send?access_token=abc"];
    "wecom-webhook", &["qyapi.weixin.qq.com/"], Varied(6),
    r"qyapi\.weixin\.qq\.com/cgi-bin/webhook/(?:send|upload_media)\?key=(?P<secret>[A-Fa-f0-9]{8}"
      "(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12})",
    finds ["qyapi.weixin" ".qq.com/cgi-bin/webhook/send?key=a27467e7-c407-4bd8-b0a8-24064e816603"],
    passes [
        "qyapi.weixin" ".qq.com/cgi-bin/department/create?access_token=ACCESS_TOKEN",
        "qyapi.weixin" ".qq.com/cgi-bin/webhook/send?key=xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    ];
    "zapier-webhook", &["hooks.zapier.com/hooks/catch/", "hooks.zapier.com/hooks/standard/"], Varied(6),
    r"hooks\.zapier\.com/hooks/(?:catch|standard)/(?P<secret>[0-9]{4,10}/[A-Za-z0-9]{5,32}|[A-Za-z0-9]{16})",
    finds ["hooks.zapier" ".com/hooks/catch/0590451/gdzp22j/"],
    passes ["hooks.zapier" ".com/hooks/catch/docs", "hooks.zapier" ".com/hooks/catch/0000000/xxxxxxx/"];
    "make-webhook", &[
        "hook.eu1.make.com/", "hook.eu2.make.com/", "hook.us1.make.com/", "hook.us2.make.com/",
        "hook.integromat.com/", "hook.make.com/",
    ], Varied(8),
    r"hook\.(?:[a-z]{2}[0-9]\.)?(?:make|integromat)\.com/(?P<secret>[a-z0-9]{24,40})",
    finds [
        "hook.eu1.mak" "e.com/zl6l09rb6crwmku1f3ehqqa0p37r9j21",
        "hook.integro" "mat.com/5pbhcilfi9xll0gnupxre6qi9vi3ql7r",
    ],
    passes ["hook.eu1.mak" "e.com/help", "hook.eu1.mak" "e.com/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "ifttt-webhook", &["maker.ifttt.com/"], Varied(8),
    r"maker\.ifttt\.com/(?:trigger/[A-Za-z0-9_%{}-]+/(?:json/)?with/key|use)/(?P<secret>[A-Za-z0-9_-]{16,})",
    finds [
        "maker.ifttt." "com/trigger/door_open/with/key/VY05z0mlhc9LmG0DaBdXJF",
        "maker.ifttt." "com/use/oxIHZI3dqbf0uVwPKi5Xk5i1RH8-U77w3aQ4-KSdZE2",
    ],
    passes ["maker.ifttt." "com/trigger/x/with/key/"];
    "tines-webhook", &["tines.com/webhook/"], Varied(8),
    r"tines\.com/webhook/(?P<secret>[a-z0-9]{32}/[a-z0-9]{32})",
    finds ["tines.com/we" "bhook/019dcbfdff5b360561fd03deb2afb23f/45eb264691c5fc2a44e5f339a54264d1"],
    passes [
        "tines.com/we" "bhook/docs",
        "tines.com/we" "bhook/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "airtable-webhook", &["hooks.airtable.com/"], Varied(10),
    r"hooks\.airtable\.com/workflows/v1/genericWebhook/(?P<secret>app[A-Za-z0-9]+/wfl[A-Za-z0-9]+"
      "/wtr[A-Za-z0-9]+)",
    finds [
        "hooks.airtab"
          "le.com/workflows/v1/genericWebhook/appTt0wKpCQs53uJM/wfls8GIryxvDs3m3q/wtrPh83MHrf8uclCT",
    ],
    passes ["hooks.airtab" "le.com/docs"];
    "twilio-api-key", &["SK"], Varied(6),
    "SK[A-Fa-f0-9]{32}",
    finds ["SK" "59f865443160969403bd29de862588c5", "SK" "44395383BED9B582EC99C9C288A814B6"],
    passes ["SK" "U0123456789", "SK" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "twilio-account-sid", &["AC", "AP"], Varied(6),
    "A[CP][a-f0-9]{32}",
    finds ["AC" "2d26fdfdec705e7436b746b0d2569a30"],
    passes ["AC" "CESS_DENIED", "AC" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "sendgrid-key", &["SG."], Varied(10),
    r"SG\.[A-Za-z0-9_=-]{16,32}[.-][A-Za-z0-9_=.-]{39,}",
    finds [
        "SG." "WFBh3A7_PHTYspe9HIT-fy.43mu3rwbYaugdJpq6xt7mqT78FofuOUu9xNHRB9GE1s",
        "SG." "5kgbvH6C6up-wsJ6sXzy.jPlLXhJQfh2BT1mGBO0l2avmJmdVbHXM0BUGYyuPyYawiZKrXN",
    ],
    passes [
        "SG." "Common.Extensions.DependencyInjection",
        "SG." "xxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "mailgun-key", &["key-", "pubkey-"], Varied(7),
    "(?:pub)?key-[a-z0-9]{32}",
    finds [
        "key-" "cab501060d0b817484d3a529caa92e3b",
        "pubkey-" "948777005943c40a1f4d226c38cc9809",
        "key-" "rk0rxlvgki83gjo4dkeher6ut4u423t5",
    ],
    passes [
        "key-" "value-store",
        "key-" "pair-for-the-eks-cluster-nodes",
        "key-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "brevo-key", &["xkeysib-", "xsmtpsib-"], Varied(8),
    "x(?:key|smtp)sib-[A-Za-z0-9]{60,}-[A-Za-z0-9]{12,}",
    finds [
        "xkeysib-" "bd33fb44d193599080a069be9d1cd3bea60fe429070b73af2316846143258502-CjqH9qVZG3K6hICe",
        "xsmtpsib-" "287848b9d1c4c80707f7a96b5b83e2052df3ed2781598e2da64af98de5cfe589-cg8mNkOFDiwEGYDZ",
    ],
    passes [
        "xkeysib-" "key",
        "xkeysib-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx",
    ];
    "mailersend-token", &["mlsn."], Varied(7),
    r"mlsn\.[a-f0-9]{60,}",
    finds ["mlsn." "ca9601a1cb4d0457221fb5b73be99d4bdb130fa2872705f288b07bb2dbe4511a"],
    passes ["mlsn." "name", "mlsn." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "mandrill-key", &["md-"], Entropy(360),
    "md-[A-Za-z0-9_-]{22}",
    finds ["md-" "042AXEwimXThyr4dQqYh6m"],
    passes ["md-" "content-editor-toolbar", "md-" "xxxxxxxxxxxxxxxxxxxxxx"];
    "resend-key", &["re_"], Entropy(390),
    "re_[A-Za-z0-9]{8}_[A-Za-z0-9]{22,28}",
    finds ["re_" "3uP5wAjX_pK3BQxuw5F0gOedSlBIWLABM"],
    passes ["re_" "compiled_pattern", "re_" "xxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxx"];
    "klaviyo-key", &["pk_"], Varied(7),
    "pk_(?:[a-f0-9]{34}|[A-Za-z0-9]{6}_[a-f0-9]{34})",
    finds ["pk_" "1de875e443ea5ef33e25d46ab68e6a8225", "pk_" "S9aC7H_8df41809e2ae25903753d94947fdb00461"],
    passes ["pk_" "table_column", "pk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "courier-key", &["pk_prod_", "pk_test_", "dk_prod_"], Varied(8),
    "[pd]k_(?:prod|test)_[A-Z0-9]{28}",
    finds ["pk_prod_" "M3FW9S7GXV9L2BDCTDQSKZNSFORL"],
    passes ["pk_prod_id", "pk_prod_" "XXXXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "onesignal-key", &["os_v2_app_", "os_v2_org_"], Varied(8),
    "os_v2_(?:app|org)_[a-z0-9]{60,}",
    finds [
        "os_v2_app_"
          "8drvoh5w28ilgrfhvuvcuwyq0y81ejcjrxgaoy32k03alijygdo5gzju9jna0eb4mlv10fcgrdukf1dt8u3dio9vpt"
          "308j1pblrkipq",
    ],
    passes ["os_v2_app_" "name"];
    "pushbullet-token", &["o."], Entropy(400),
    r"o\.[A-Za-z0-9]{32,34}",
    finds ["o." "SjFoDhADmURPn6hsEeZUqX0vRQHKrYuY"],
    passes ["o." "prototype", "o." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "telnyx-key", &["KEY"], Entropy(400),
    "KEY[0-9][A-Za-z0-9_-]{52,60}",
    finds ["KEY" "0C766A24A5E114AB924367F3B4CC2780_acAE9Ogmp55K1pT2JFruD7"],
    passes ["KEY1", "KEY" "0XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX_xxxxxxxxxxxxxxxxxxxxxx"];
    "signalwire-token", &["PT"], Varied(8),
    "PT[a-f0-9]{48,56}",
    finds ["PT" "b1f53242d73e6b9377d86677aa0bef1ba6fcbe471e3c877007"],
    passes ["PT" "RACE", "PT" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "pubnub-key", &["pub-c-", "sub-c-", "sec-c-"], Varied(7),
    "(?:(?:pub|sub)-c-[a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12}|sec-c-[A-Za-z0-9]{40,})",
    finds [
        "pub-c-" "3d98682c-6100-4bf8-b4e4-586cef716850",
        "sub-c-" "c861131c-876f-45a9-8d90-058609c1bc6c",
        "sec-c-" "KQZQDu2mRSZ1pIb5UJZ0sjfkwqtd1tDHOoLixzeTVHbnXhR2",
    ],
    passes ["sub-c-" "family", "pub-c-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "matrix-token", &["syt_", "mct_", "mcr_"], Varied(9),
    "(?:syt_[A-Za-z0-9+/=]+_[A-Za-z]{20}_[A-Za-z0-9]{6}|mc[tr]_[A-Za-z0-9]{20,}_[A-Za-z0-9]{6})",
    finds ["syt_" "MKzbav40ys8w_BLBDnPqRQaqhdPbVQaAK_TPb6F8", "mct_" "hoUY8FoXrongUZ46WlMKFCMBqAh6tA_IPdTpZ"],
    passes ["syt_" "user_name", "syt_" "xxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxx_xxxxxx"];
    "intercom-token", &["dG9rO"], Varied(10),
    "dG9rO[A-Za-z0-9+/_-]{40,}={0,2}",
    finds ["dG9rO" "0hfMr52UCRTFbqh2bpdpo1cAb3j0h92ZSusduD6ZHTmA1D4eR7kWl7="],
    passes ["dG9rOg", "dG9rO" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx="];
    "dotdigital-user", &["apiuser-"], Varied(6),
    r"apiuser-[a-z0-9]{12}@apiconnector\.com",
    finds ["apiuser-" "98b6f164a7e3@apiconnector.com"],
    passes ["apiuser-" "name"];
    "webex-bot", &["webexapis.com/v1/webhooks/incoming/"], Varied(10),
    r"webexapis\.com/v1/webhooks/incoming/(?P<secret>[A-Za-z0-9_-]{40,})",
    finds [
        "webexapis.co"
          "m/v1/webhooks/incoming/Y2lzIvPUpuCsnwg99jiENnPVS8K1DTqdzLoltYCCbjXmCCWD3qjOtHAs4l48seJGCjt" "zPzr4WUKh",
    ],
    passes ["webexapis.co" "m/v1/webhooks/incoming/"];
};
