//! Keys of secret stores, identity providers and networks, and of this platform itself.
//!
//! Lengths: documentation of the vendors; gitleaks, Nosey Parker and Kingfisher. This platform: `credential.rs`.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Noise, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "vault-token", &["hvs.", "hvb.", "hvr."], Varied(8),
    r"hv[sbr]\.[A-Za-z0-9_-]{24,}",
    finds [
        "hvs." "ANqKKwBsJHCsJ3Gi4tZi9dMyWkKSfG-MM3NzkhmTzDn2KrA0m3Tme0r1GfesjjpmTXSywMhmvR85aDammdJeoliy7m"
          "5EGpI",
        "hvs." "v55VXnuhi2FKBAK2o9EawuIs",
        "hvb." "f-0q6MbkJoOBGNTfqlzF1neaPIh5sPKwHzl4vyHE-w77Wm5Vl_fJxwg4W6Ln895xyzKBey8DOPnTYVSBwgvAWuhsnQ"
          "dqMO-hbJ3TT1vr2kiC_b",
        "hvr." "sTJJsXBerc0lY1QI8cgZtPhaS9j0dPcgS8Mr5ooMggviWB7jrEHrc80SOdFgiG9dgTZUI4hqzi9oPu1yNKkuJuIxmr",
    ],
    passes ["hvs." "name"];
    "vault-legacy-token", &["s.", "b.", "r."], Noise(395),
    r"[sbr]\.(?:CAES[A-Za-z0-9_-]{60,}|[A-Za-z0-9]{24,26})",
    finds [
        "s." "RHkSFRo9H2oPfL7k6YmcEETt",
        "s." "CAESIEJ292ykjdJVQECN9PlLc6-uAspvvGI9qPabz0I07WJZgACjQLqwAAkwJ299TR-Cn0T20psmbWonyHDYyjXwf7"
          "fUgs8",
    ],
    passes [
        "s." "getServerAddressByClientCIDR",
        "s." "THISSTRINGISALLUPPERCASE",
        "s." "AcceptanceTimeoutSeconds",
        "s." "DefaultListableBeanFactory",
        "s." "xxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "vault-namespaced-token", &["s."], Noise(395),
    r"s\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{5}",
    finds ["s." "2vApIy7kEjqcEjSO4owMQrPo.1NIyL"],
    passes ["s." "credentialsProviderChains.Build", "s." "xxxxxxxxxxxxxxxxxxxxxxxx.xxxxx"];
    "terraform-cloud-token", &["atlasv1."], Varied(8),
    r"atlasv1\.[A-Za-z0-9_=-]{60,}",
    finds ["atlasv1." "W53wodpkF3srSRL717ffBvMQP2I7RTDO7QJfirpkNYv0Ej1iDyCkaZ188iS55ePse2o"],
    passes [
        "atlasv1." "short",
        "atlasv1." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "pulumi-token", &["pul-"], Varied(7),
    "pul-[a-f0-9]{40}",
    finds ["pul-" "3ebe4e6b910d010249fb3d575e26d4f110734ad2"],
    passes ["pul-" "requests", "pul-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "doppler-token", &["dp."], Varied(8),
    r"dp\.(?:pt|ct|sa|scim|audit|said|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,}",
    finds [
        "dp." "pt.eREwxHJrf7PanDg9LiZpWnFZg0nQkWbpCPiQbrFzOMP",
        "dp." "ct.oYAuGxgD7cIjaBDGBSTsHXxNcuhYgXk1J7NQtPKGYA7",
        "dp." "sa.9Sy9S6weXtfrP0SQaBbEyOOnduBbKm9NncpIT15qKW7",
        "dp." "scim.V6fY2s2KA6PA2jra0MlHQWnVkZF0qwjJMp4dj3Jqj3J",
        "dp." "audit.cAxrPQLoRni5O5R38GJeVuv9jS3qpA1OhoQCOFFoalu",
        "dp." "st.dev_backend.A5I4FfMykT970mUHtbD8hwhbIRXAo23NxvzSAt5tJcI",
        "dp." "st.pnQb6cx7kas2p1oBZYNsXYsIaJJDMbnJmbPRyGK7gnJ",
    ],
    passes ["dp." "pt.name", "dp." "setText", "dp." "pt.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "infisical-token", &["st."], Varied(8),
    r"st\.[a-f0-9]{24}\.[a-f0-9]{32}(?:\.[a-f0-9]{32})?",
    finds [
        "st." "98b8771a3affacec61d2e303.bc59464627af478710621d04659b19d4.4abde0fe636452eabff099db3acd9d30",
        "st." "0ef86168d69531364ae58014.299a6f6669ef3bce48fc897253bfc2cb",
    ],
    passes ["st." "text_input"];
    "onepassword-secret-key", &["A3-"], Varied(8),
    "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
    finds ["A3-" "O2QUWG-XARW0WIDVWB-AO6WV-UZFHD-SSUND", "A3-" "DP9K65-GFS5YH-RAM8D-9TSAE-J58KB-S9JL0"],
    passes ["A3-" "PAPER", "A3-" "XXXXXX-XXXXXXXXXXX-XXXXX-XXXXX-XXXXX"];
    "onepassword-service-token", &["ops_eyJ"], Varied(14),
    "ops_eyJ[A-Za-z0-9+/_-]{100,}={0,3}",
    finds [
        "ops_eyJ" "Ub9TgjbTc65wkS5xafc6QTK5omZEG844pbNW0b87X5AcXLOHdmfMi7UDl2GLV0D8QQuPtlVJpBQRMBbd6wr6JcKDM9"
          "fyRbf3hgVoxa4Z5A6Ghy=",
    ],
    passes ["ops_eyJ"];
    "bitwarden-access-token", &["0."], Varied(12),
    r"0\.[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}\.[A-Za-z0-9]{28,32}:[A-Za-z0-9+/]{20,24}={0,2}",
    finds [
        "0." "bb86e5a7-d2da-4d85-8999-d060b0c9b6b8.TKdinepmlGJFgsHTZCBzaUmj8sNBa8:lI4tHL+42tFKa69o1inXuU" "==",
    ],
    passes ["0.5"];
    "tailscale-key", &["tskey-"], Varied(8),
    "tskey-(?:[a-z]+-)?[A-Za-z0-9]{6,}-[A-Za-z0-9]{4,}",
    finds [
        "tskey-" "auth-koMb5KMXGUCNTRL-5WJovOjDHFnvgnzygNAiuPidWjXFiCBu",
        "tskey-" "api-kipRsScuwiCNTRL-fluWLsqbwWPqO7Yj26RZMYWUQb8Js1Bb",
        "tskey-" "hhzNXTILBwdK-smqc4pfCjFbKODwdzot7ceIz",
    ],
    passes ["tskey-" "reusable"];
    "netbird-token", &["nbp_"], Varied(8),
    "nbp_[A-Za-z0-9]{36}",
    finds ["nbp_" "kPPVOZZkJbQFG7kTuBatvvtPbD2iRvW4b9HN"],
    passes ["nbp_" "name", "nbp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "defined-networking-token", &["dnkey-"], Varied(10),
    "dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}",
    finds ["dnkey-" "eML6XyznzEkqoowXBOwNnNKB8F-fN1wJxDhGJ6sc5tGeTASNhVeTmcH2MAk1zyjrpgvWiYTT8foptRI"],
    passes [
        "dnkey-" "name",
        "dnkey-" "xxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "ngrok-api-key", &["ak_", "cr_"], Entropy(380),
    "(?:ak|cr)_[A-Za-z0-9]{27}",
    finds ["ak_" "p3Tjw5qfOKTwVexz4EvXP9ywKGp", "cr_" "TaGlFitPyzbJ8LcWb49EvU218q8"],
    passes ["ak_" "controller_revision_hash", "ak_" "xxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "okta-token", &["00"], Entropy(420),
    "00[A-Za-z0-9_-]{40}",
    finds ["00" "ffZChFMQAuBulI9B8n2eTGGiGPnHYIer_SbLZLy7", "00" "a9MNjzKGSSVQoU97u4wRoZLQm77gheFlunqUw2Py"],
    passes [
        "00" "1122",
        "00" "000000-0000-0000-0000-000000000000",
        "00" "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx7",
    ];
    "salesforce-session", &["00D"], Varied(12),
    "00D[A-Za-z0-9]{12,15}!A?[A-Za-z0-9._]{60,}",
    finds [
        "00D" "9xgCVfEVkKPs!AQ9qlmy70FJhRPiGGKGHGCjEQB3BH1EUxA2rd5OAgEhMZLM22TtLDBiM3FPFxgDZE5x6EdE0NIfOf"
          "eGJZ4FtuOgD45iRIDf8",
        "00D" "03QTK4VSNeSRQuh!VsC0aDnjujYakvL2jSfJTcQYTbx6C36AdNaFXQCaFoZeOH6B6DtIJfwdKh00sVEaXm83oI20fh"
          "n5iLMMKceBdMQojqjc1pnE",
    ],
    passes ["00D1!"];
    "salesforce-consumer-key", &["3MVG9"], Varied(12),
    "3MVG9[A-Za-z0-9._+/=]{60,}",
    finds ["3MVG9" "or3GXueqgMZ2yGraE9ruKLTcc7CANWHRpaOsE6ymub0rXYi8IcfE80NkIpaCvmYRv68QMhld09H481sS"],
    passes [
        "3MVG9",
        "3MVG9" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "salesforce-refresh-token", &["5Aep861", "5AEP861"], Varied(12),
    "5A(?:ep|EP)861[A-Za-z0-9._=]{40,}",
    finds ["5Aep861" "rvZpPcTa9zo1OEZJ7mmO0tCKg1HMuFEkbBfDcrQCXrG9bg1HvdAvONeikhDEVfAaGQnf36iEckis2LRC"],
    passes [
        "5Aep861",
        "5Aep861" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "ory-token", &["ory_"], Varied(8),
    "ory_(?:pat|at|rt|ac|st|lo|apikey|wak|pro)_[A-Za-z0-9_.-]{20,}",
    finds [
        "ory_" "pat_v17GgIYBSxd9mvBr5wNCyVMbliUIBjMR",
        "ory_" "at_AtXKSy-jXFZaZtYL-3nUaAKJyMsxRuNoLL250SZM73k.O0UX8EGRhC4wIGNXiBKTJt3mGtdGchsDY1tkC6woo6b",
        "ory_" "rt_bCf-1k3EBxiJnfM-7z_S0ix2OTUs1SE7F0bVNjPUIBm.hp_EoakcxQHGmS_JpES9iVz1OeCt7bTIejYhcz77MkA",
    ],
    passes ["ory_" "at_home", "ory_" "pat_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "stytch-secret", &["secret-live-", "secret-test-"], Entropy(410),
    "secret-(?:live|test)-[A-Za-z0-9_=-]{36,}",
    finds [
        "secret-live-" "b7vB5zJCpN3EbDsmBy9euUZZUs77JOdGHUvP=",
        "secret-test-" "Z808CYbpfGmixqxDcmX2ynGtWbbYxc2_bZnaP",
    ],
    passes [
        "secret-test-" "data-that-has-a-very-long-kebab-case-name",
        "secret-live-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=",
    ];
    "workos-key", &["sk_live_", "sk_test_"], Varied(10),
    "sk_(?:live|test)_[A-Za-z0-9+/]{60,}={0,2}",
    finds [
        "sk_live_" "a2V575GxRWjRka1ZEt7bSHG0BtnU6ft0jXqoDIiqWqPL86CVbZuaDozqhwa8RCat",
        "sk_test_" "a2V5XzAxW5talHpjlrU23gpdf0tjZTlQ2K02dhG84T14Na9i0RTbuugrbCO0OF5EhbWJ=",
    ],
    passes ["sk_test_" "name", "sk_live_" "a2V5xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "unkey-key", &["unkey_"], Entropy(370),
    "unkey_[A-Za-z0-9]{20,}",
    finds ["unkey_" "I0kKP8o8oM3umXX3L9gzVa1c"],
    passes ["unkey_" "the_whole_collection", "unkey_" "xxxxxxxxxxxxxxxxxxxxxxxx"];
    "authress-key", &["sc_", "ext_", "scauth_", "authress_"], Varied(10),
    r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+"
      "/_=-]{30,120}",
    finds [
        "sc_" "89vlf5u79z.vjto.acc_imzzqo6st4.Id+Ot7EF3CleHraA/9NlPFIJNaVUE9pIpdd7n1KjoJv",
        "authress_" "b07ornt7b0c5.7rxx.acc-1awjq8c67d4e.ShvdNf_DD5MifZn8wHvXSaRshzRgkdWbEDZS4dHrQEtmll5m936FWwR"
          "NS0r5",
    ],
    passes [
        "ext_" "module.name.acc",
        "sc_" "xxxxxxxxxx.xxxx.acc_xxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "descope-management-key", &["K2"], Entropy(470),
    "K2[A-Za-z0-9]{96,110}",
    finds [
        "K2" "2qq3OzdXJfu8yyEwbyrJsdhtUTZ05aOkNCCg05gBzDavTDR01QmfwiTtlAicyjZamPYGGLqx97Xhsnd3Yg5t3vFcg8"
          "myL7lCGIQY",
    ],
    passes ["K2"];
    "azure-devops-cached-token", &["vso-"], Varied(10),
    "vso-[a-z0-9]{52}",
    finds ["vso-" "ljzn0j6sqd3k6nnjhpd6wejkxwqr12044spirq63mzw0b7yoha4c"],
    passes ["vso-" "agent", "vso-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "boundary-token", &["at_"], Varied(12),
    "at_[A-Za-z0-9]{10}_s1[A-Za-z0-9]{60,}",
    finds [
        "at_" "lBtVGDxpzN_s1t30cOXRMTGwrhYdHjoBVxmdIWoyDKDdH7kUIF4u6ad3KA4DTXZvCoXaydqoFKh9fYmYkB2PW2PiWb"
          "AReNTgJ5XRBKaUA9uoq3wIcPldROWmSnA",
    ],
    passes ["at_" "least_one"];
    "keeper-one-time-token", &["US:", "EU:", "AU:", "JP:", "CA:"], Entropy(430),
    "(?:US|EU|AU|JP|CA):[A-Za-z0-9_-]{43}",
    finds ["US:" "T1wEHzFe89l0itmdQNyV3b-yZvtboDu9oTVSDhDXy27"],
    passes ["US:" "California", "US:" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx7"];
    "dashlane-key", &["dls_"], Varied(10),
    "dls_[A-Za-z0-9]{10,}_[A-Za-z0-9]{32,}",
    finds ["dls_" "YHvleJNhuCJlDmsI_oScLtI9bQox5sO8Gg4v7eMTxPmAxS9xHcBKkeeX4IbmGRpkGp1K4PYrRuwGL4Een"],
    passes [
        "dls_" "name",
        "dls_" "xxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "ak-hex-key", &["ak_"], Varied(7),
    "ak_[a-f0-9]{32}",
    finds ["ak_" "4e915817c2de5f0396d4ef0adbd0c4d2"],
    passes ["ak_" "name", "ak_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "trufflehog-key", &["thog-key-", "thog-secret-"], Varied(6),
    "thog-(?:key-[a-f0-9]{16}|secret-[a-f0-9]{32})",
    finds ["thog-key-" "089c3af1dfe0c13b", "thog-secret-" "e729bb2c880448fa33b2f677cfe447ae"],
    passes ["thog-key-" "name", "thog-key-" "xxxxxxxxxxxxxxxx"];
    "awooop-api-key", &["awk_"], Varied(8),
    r"awk_[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}",
    finds [
        "awk_" "ewoooc.QWCuNDMG32cJ6Zaa.cZ9IIdQqzfC1xmd8Ux8sx8_fkjI2h1GpYQ1wbszyMqL",
        "awk_" "a.b-c_d.1EtfTOzO7KNgqEL4.AI2P0EVD8vkp1sqntJBfjHimFSabh8RPiutvxeoH-qs",
    ],
    passes [
        "awk_" "script",
        "awk_" "{project_id}.{key_id}.{secret}",
        "awk_" "ewoooc.xxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "awooop-lease", &["awl_", "awm_"], Varied(8),
    r"aw[lm]_[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.[A-Fa-f0-9]{8}"
      r"(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}\.[0-9]{1,10}\.[A-Za-z0-9_-]{43}",
    finds [
        "awl_" "ewoooc.9927c90b-2e97-46da-ba7e-25ab09687258.3.OvYNKfEimyb7xvslFLiy8SzjCuadnBhgGTK9YT9BPoz",
        "awl_" "a.b.c4a26f3f-eaf9-461d-94fa-145756857fa4.12.ozbmIZEvl2pZm4du8WVPkqSIWgwZHHUlwpP3xe8-yjp",
        "awm_" "ewoooc.88b93212-008c-4157-aa12-da5d977acee9.3.zapW2UIalpJFOMERfN1VYA5x1ux9WU-G3LxExXASWQE",
    ],
    passes ["awl_" "project.run.epoch", "awm_" "project.message.epoch"];
    "awooop-ticket", &["awb_", "awt_"], Varied(8),
    "aw[bt]_[A-Za-z0-9_-]{43}",
    finds [
        "awb_" "Urxl_BKexKw1WvBcugXTXdu06RSmXgKH17MWk23deTo",
        "awt_" "JLJVW1uBuTPt4LN1V2xPIK76xfE6d1z5hf9eH4Sp9yk",
    ],
    passes ["awb_" "data", "awt_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "awooop-channel-secret", &["awc_"], Varied(8),
    "awc_[A-Za-z0-9_-]{59}",
    finds ["awc_" "U-sGHgpsjZUG_WWLwGss0oZ1aZz2aQor5armOFQul3ju60xploP1th1L2zs"],
    passes ["awc_" "secret", "awc_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "awooop-courier", &["awi_"], Varied(8),
    r"awi_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}",
    finds ["awi_" "hM0kgd2C3oKT3gzb.uH-vLKK52h50o9DVPvDmBcgnl75aKQ-AQL1jTd0yM6k"],
    passes ["awi_" "courier", "awi_" "xxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
};
