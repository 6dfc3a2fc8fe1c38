//! Tokens of forges, package registries, build services and developer tools.
//!
//! Lengths: documentation of GitHub, GitLab and the registries; gitleaks, detect-secrets and Nosey Parker.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::{Entropy, Varied};

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], Varied(5),
    "gh[pousr]_[A-Za-z0-9_]{36,255}",
    finds [
        "ghp_" "fpqoHUeMTGXTxuQfYMWdM5eRk5gxPkOJxf8Y",
        "gho_" "q2AN9zXxTlGVSIbvIgucE7eh2RsUwv8J3bAB",
        "ghu_" "n3GLBlTIciL7nzWShhSSE6TyuQfhe0Kg7Cs6",
        "ghs_" "8TA2o9OGnKZ3sM73Uw6n2iNAMv2PFcS8nMth",
        "ghr_" "a9Oh9frQQfbHohHX3LDs6ovWUK3gMm8wcMPhck29RsMTxa5jz7C7qPDCdTwqWgLmx0WmxHSVE4L1",
        "ghp_" "8ijth03qcle9gba6qvxszf5qucnv49yan9bru6de",
    ],
    passes ["ghs_" "total", "ghp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "github-stateless-token", &["ghs_", "ghu_"], Varied(10),
    r"gh[su]_[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    finds [
        "ghs_" "Lslx1Dhy6ZMX.5QFHMlz7-Xk-EokOJiydUDXBVvbJ4Dc8nzRaozEt81Hrf8KaWArB3yAaBL1r.RzFf0--xSsh3dQqN"
          "JyMdQDrv0qbrNtbZk85Lna-xijm",
    ],
    passes ["ghs_" "a.b.c"];
    "github-fine-grained-token", &["github_pat_"], Varied(8),
    "github_pat_[A-Za-z0-9_]{60,255}",
    finds ["github_pat_" "11CBUSG8ZKJ0KBN2GTFZK_AktTjnw4opKiVP42le9YWMM2ivBjKSLYz1roBHVJ4dodwdiJb7ZR7rU8JPO"],
    passes ["github_pat_" "expiry_days"];
    "github-workflow-token", &["v1."], Varied(7),
    r"v1\.[a-f0-9]{40}",
    finds ["v1." "a7944403756d599cfa807c278b1a87395d6a9323"],
    passes ["v1." "2.3", "v1." "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "gitlab-token", &[
        "glpat-", "gldt-", "glrt-", "glrtr-", "glft-", "glsoat-", "glwt-", "glffct-", "glptt-", "gloas-",
        "glimt-", "glcbt-", "glagent-", "glpad-",
    ], Varied(5),
    "gl(?:agent-[A-Za-z0-9_-]{30,}|(?:pat|dt|rt|rtr|ft|soat|wt|ffct|ptt|oas|imt|cbt"
      r"|pad)-)[A-Za-z0-9_=-]{20,}(?:\.[A-Za-z0-9]{2}\.?[A-Za-z0-9]{7,})?",
    finds [
        "glpat-" "B5awmfwOKQT3TtM9SC74",
        "glpat-" "CUHMnDvpgp1jmEtW7CFSP7WqpRahfR.01.0av4gfb32",
        "gldt-" "EZd6IGWBVKmQyLh4EcsI",
        "glrt-" "t1_1T2stXfI8k9TarSHzuoY8BoGQyDMkQDttPk8m74R.01.1trivd8ar",
        "glft-" "u91a5RAdGlsIrWqyzqp0",
        "glsoat-" "MXgfsHQYH8hvsUQls85K",
        "glffct-" "JkBDijoB9CFloqlMC6Tl",
        "glptt-" "c960772506af857d1a69107f0625d0a8fe62d56c",
        "gloas-" "f520f6b073289dc4104a85ab42765ba8df6c9239e89b14607fbe30d5127984de",
        "glimt-" "q4kgfyi3v19ugbadinfexj9zi",
        "glcbt-" "64_VaARgiJbyMiFCvFd0puz",
        "glagent-" "Ow2sPIHPT0qOJb5HEAFkXqFBscYV8NTBnLOiry_8KTHgpXYbjA",
    ],
    passes ["glpat-" "short", "gldt-" "seems_too000Sshorty", "glagent-k", "glpat-" "xxxxxxxxxxxxxxxxxxxx"];
    "gitlab-runner-registration-token", &["GR1348941"], Varied(5),
    "GR1348941[A-Za-z0-9_-]{20,}",
    finds ["GR1348941" "5xMaFM5Hn_rcBku_O8m2"],
    passes ["GR1348941", "GR1348941" "xxxxxxxxxxxxxxxxxxxx"];
    "gitlab-session", &["gitlab_session="], Varied(6),
    "gitlab_session=(?P<secret>[A-Fa-f0-9]{32})",
    finds ["gitlab_sessi" "on=6fe29a467411fb2b58941e0311a58593"],
    passes ["gitlab_sessi" "on=expired", "gitlab_sessi" "on=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "gitlab-feed-token-parameter", &["feed_token="], Varied(6),
    "feed_token=(?P<secret>[A-Za-z0-9_-]{20,})",
    finds ["feed_token=" "tzZDkLBZouAkRdH7zoef"],
    passes ["feed_token=" "none", "feed_token=" "xxxxxxxxxxxxxxxxxxxx"];
    "bitbucket-app-password", &["ATBB"], Varied(8),
    "ATBB[A-Za-z0-9_=.-]{28,}",
    finds ["ATBB" "1akd5dNXDTaUjVmTDPCov2Yk9JzDlpLE", "ATBB" "LOFjCDAFRNmh2v2tqU4ovCHd0BB8A574"],
    passes ["ATBBQ", "ATBB" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "bitbucket-data-center-token", &["BBDC-"], Varied(8),
    "BBDC-[A-Za-z0-9+/@_-]{40,50}",
    finds ["BBDC-" "tLZBw4VTQWtGrcXZGAMPszXK5B04NMCtuKzaImY4+Onr"],
    passes ["BBDC-" "EXPORT", "BBDC-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "atlassian-token", &["ATATT3", "ATCTT3", "ATSTT3"], Varied(10),
    "AT[ACS]TT3[A-Za-z0-9+/_=-]{40,}",
    finds [
        "ATATT3" "xFfGF04ValnvoHWECkCnTQE7wU9uCIUkbUuODy4o-i6zxsiDkSo9GAniZ_WGrrMGjGcr69uiE10hM0nu-myktZjkzR"
          "GfLtqmDFRECBkh38ckMIBNZK0G=2FFD3D3D",
        "ATCTT3" "xFfGN0uTTHTkiI7RpKUX5sPvZUF2yK8-Z7McImteONIpi30PkSu-BtSQOUBAi5yr54W48nlDH5rLObK620600huGCf"
          "SJ3ntcTb1CfQXU3X299J6VgW3R=2C8D82FB",
    ],
    passes ["ATATT3"];
    "sourcegraph-token", &["sgp_"], Varied(7),
    "sgp_(?:(?:[A-Fa-f0-9]{16}|local)_)?(?:local_)?[A-Fa-f0-9]{40}",
    finds [
        "sgp_" "5332a9d5972e6f68012b5777ebdfa0e9337c0fad",
        "sgp_" "595e22fa61072895_3449f13a5648af149dc3de0a2127daff5a83bfba",
        "sgp_" "local_a691bf720ff3b8108fb524d7ce491242a520e532",
    ],
    passes ["sgp_" "index", "sgp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "sourcegraph-license-key", &["slk_", "sgd_", "sgs_"], Varied(8),
    "s(?:lk|gd|gs)_[a-f0-9]{64}",
    finds [
        "slk_" "876428436031e43665f3e8664f6503576ee9922583ad687fb649ef78f02a410c",
        "sgd_" "d7f1c9e97db52543d612041483ab252bad8932d91a94938e11bc2797c9488682",
    ],
    passes ["slk_" "node", "slk_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "npm-token", &["npm_"], Varied(8),
    "npm_[A-Za-z0-9]{36,}",
    finds ["npm_" "q6HaF6gq9kQ6NczoKMF51B98YsTF1XlUetb6", "npm_" "45eu5jbp10umeirne9bgikwh097acg24atzq"],
    passes [
        "npm_" "config_registry",
        "npm_" "lifecycle_event",
        "npm_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "npm-legacy-auth", &["_authToken=", "authToken="], Varied(7),
    "_?authToken=(?P<secret>[A-Za-z0-9_+/=.-]{20,})",
    finds [
        "_authToken=" "b6cb48a1-d8d3-491f-8399-88c2665ecc10",
        "_authToken=" "fSQVkeS8FunXolbyatmE7Y8wQBBmvfxmribpZShZ",
    ],
    passes ["_authToken=" "${NPM_TOKEN}", "_authToken=" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "pypi-token", &["pypi-Ag"], Varied(12),
    "pypi-Ag[A-Za-z0-9_-]{50,}",
    finds [
        "pypi-Ag" "EIcHlwaS5vcmcYaABerlRI4ww_bn9G7LoIJ67e7xT7ATDfd2eYagGVMcHviuTt7LLreCZaZXq00giISGJBdG2ST2ts"
          "AdkqQc3yXqPTJrkXqSJSNsTz0vjtumVey",
        "pypi-Ag" "ENdGVzdC5weXBpLm9yZwYzqbblExPkbrOeJQE7gQPycJdY4uKXwX35fzMo1rDhKDnO30s6QXc8W8zOtJCcxqWhOfdn"
          "QCtJcdyFZcYqvgNDs9ukObaW_RL70F50RUd-EYa9",
    ],
    passes ["pypi-Ag" "ent"];
    "rubygems-key", &["rubygems_"], Varied(7),
    "rubygems_[A-Za-z0-9]{42,}",
    finds ["rubygems_" "fe043414a459663b75dd521a8d21c453ef7cd98dea71c77e"],
    passes ["rubygems_" "mirror_url", "rubygems_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "cratesio-token", &["cio"], Entropy(400),
    "cio[A-Za-z0-9]{32}",
    finds ["cio" "dqrSM4T42SAQkVOqWvsSsC2mR7VKevMb"],
    passes ["cio" "ffi", "cio" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "nuget-key", &["oy2"], Varied(10),
    "oy2[a-z0-9]{43}",
    finds ["oy2" "d94f3uil7t4hxhke5kn2hbndiy7sjqbcqzm0954w7g6"],
    passes ["oy2k", "oy2" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "clojars-token", &["CLOJARS_", "clojars_"], Varied(8),
    "(?:CLOJARS|clojars)_[A-Za-z0-9]{50,}",
    finds ["CLOJARS_" "cbnlbbem1u6f1ash1wva49k50he5kd92odweairoko5am2yqmz5nybtj2aqj"],
    passes ["CLOJARS_" "USERNAME", "CLOJARS_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "packagist-token", &["packagist_"], Varied(8),
    "packagist_(?:[a-z]{3}_)?[A-Fa-f0-9]{60,}",
    finds [
        "packagist_" "ort_4d9db92e9155a6d288ba6b328b57a3f126cb26172e1e464b0534f0732d7e103e970a",
        "packagist_" "uut_5f5535dbab86ced3bc6c61331ee66fa0f5b06856736f40837cfe846b991b4d33da6e",
    ],
    passes [
        "packagist_" "mirror",
        "packagist_" "ort_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "deno-token", &["ddp_", "ddw_", "ddo_", "jsrp_", "jsrd_"], Varied(10),
    "(?:dd[pwo]|jsr[pd])_[A-Za-z0-9]{30,}",
    finds [
        "ddp_" "vsh4U9ywEnchdVEJWtZRQA6aeUVyinFk01a6",
        "ddw_" "pD5Js7idAS4u14BTptaNGmWa9IcM6OUXmpik",
        "jsrp_" "Yc1YWKNGqzNELyNUn8AHqnjc9IPmythdPose",
    ],
    passes ["ddp_" "target", "ddp_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "docker-token", &["dckr_pat_", "dckr_oat_"], Varied(8),
    "dckr_[po]at_[A-Za-z0-9_-]{24,}",
    finds ["dckr_pat_" "I1_BfDo9KJ9PIk8zPj5Qp7QVyao", "dckr_oat_" "QEhSBj9yl1x1PcCbrM-cyLPE4296qsqC"],
    passes ["dckr_pat_", "dckr_pat_" "xxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "artifactory-key", &["AKCp", "AKC"], Varied(8),
    "AKC[A-Za-z0-9]{61,}",
    finds [
        "AKCp" "8Tb9BVgj4rmfVTQU9Du7mi0ceeEFLt6PNvgWIpm2rEt2mPi6859Tpcevck42hghZOhkT7",
        "AKCp" "cevast8ynbvirib1wxj5radpeauyxvwk87a8kub7d6ax26ylmrj8lfycnmsl1c7r10yop",
    ],
    passes ["AKC" "ENT", "AKCp" "8xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "artifactory-reference-token", &["cmVmdGtu", "cmVmd"], Varied(10),
    "cmVmd[A-Za-z0-9]{50,}",
    finds ["cmVmdGtu" "43HFN7XmtgHE9TIotLOkJgs6KPH7fUX9C2kbQ3585uI6j3Dh9okGKbnF"],
    passes ["cmVmdGtu", "cmVmdGtu" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "artifactory-password", &["AP"], Entropy(390),
    "AP[0-9A-F][A-Za-z0-9]{28,46}",
    finds ["AP" "5MndFR6x8sj977JWDlj3olUSyCdLE6UWZ", "AP" "AukvPiv5UAHippdY7D9MfFtHGMQfysEV7rG0"],
    passes ["AP0", "AP" "PLICATIONCONFIGURATION", "AP" "5xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "sonar-token", &["squ_", "sqp_", "sqa_", "sqco_"], Varied(7),
    "sq(?:[upa]|co)_[A-Za-z0-9]{40,}",
    finds [
        "squ_" "1d205fae2c5485dae7df2d128aab4a0ad99f365a",
        "sqp_" "ae06e29e222678492ac7db1de7d91271fc723b45",
        "sqa_" "fa9b59317efd0e74a30c6ffa2a34e937d5569a39",
        "sqco_" "Ll4qOOv0jsxUHQcmyWdGlMlCqiuXhh8P6mwMXHUHP9AaQ7UhUgx2LW5hVWg",
    ],
    passes ["squ_id", "squ_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "jetbrains-hub-token", &["perm:", "perm-"], Varied(10),
    r"perm[:-][A-Za-z0-9+/=_-]{4,}\.[A-Za-z0-9+/=_-]{2,}\.[A-Za-z0-9]{20,}",
    finds [
        "perm:" "SvZxXgEq5Ep4Zv7b=.70Lw8FYA.Ue2em43fYSocNBwF6vR9LyLivJHjAl",
        "perm-" "PJGLyiAhgsym6kda=.NDItMQ==.0scrDnVlkWoUqK7wNTwCNrOqh5u6IO",
    ],
    passes ["perm:" "read.write.admin", "perm:" "xxxxxxxxxxxxxxxx=.xxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "teamcity-token", &["eyJ0eXAiOiAiVENWMiJ9"], Varied(10),
    r"eyJ0eXAiOiAiVENWMiJ9\.[A-Za-z0-9_-]{30,}\.[A-Za-z0-9_-]{40,}",
    finds [
        "eyJ0eXAiOiAi"
          "VENWMiJ9.SBtNR9DiCfJI_IWjNbLjQ8qfm38TxsKAW8mz.9eyEGrBbYFMDwfRjWHgzBxgmsyGKJDe7YFXD5emtklKN" "NCAs",
    ],
    passes ["eyJ0eXAiOiAi" "VENWMiJ9.a.b"];
    "circleci-token", &["CCIPAT_", "CCIPRJ_"], Varied(10),
    "CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[A-Za-z0-9]{40}",
    finds [
        "CCIPAT_" "pkGmav7WNrpCNNlrJ2VeLB_f95d86b38310837c9b3013674927345323be224c",
        "CCIPRJ_" "V3aYZx5d9ZMDiZB9bsTgG7_3f3592e5baa1149793e1ff56b501d1573f9053a6",
    ],
    passes [
        "CCIPAT_" "TOKEN_NAME",
        "CCIPAT_" "xxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "buildkite-token", &["bkua_", "bkaj_", "bkct_", "bkpt_", "bkpk_", "bkst_", "bkar_"], Varied(8),
    "bk(?:ua|aj|ct|pt|pk|st|ar)_[A-Za-z0-9]{36,}",
    finds [
        "bkua_" "b983dd61adf0ca46ac353c04edd5ade2a8fa3c8c",
        "bkct_" "QKtIsqF1FcVZEAugG5urLliYC4V63svqC9KT7GTbFQUb5qDU",
    ],
    passes ["bkua_" "token", "bkua_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "octopus-key", &["API-"], Entropy(360),
    "API-[A-Z0-9]{25,29}",
    finds ["API-" "J9Z5RSYS3IHY8MBNE4PWTROQO5"],
    passes ["API-" "GATEWAY", "API-" "REFERENCE", "API-" "XXXXXXXXXXXXXXXXXXXXXXXXXX"];
    "percy-token", &["web_", "auto_", "app_", "ss_"], Varied(8),
    "(?:web|auto|app|ss)_[a-f0-9]{64}",
    finds [
        "web_" "177a1695da9d10bae0d6ccd8bfd6803325a9aeed7d87cfca305a88d3edde32ce",
        "app_" "02e6f32c8ddb532594243a22d1d62ea23d102f5d462ff266333c7c53c649e537",
    ],
    passes ["web_" "server_name", "web_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "dfuse-web-key", &["web_"], Varied(7),
    "web_[a-f0-9]{32}",
    finds ["web_" "eb74931fd50c81c76fd7c2977e54502f"],
    passes ["web_" "0123456789", "web_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "chromatic-token", &["chpt_"], Varied(5),
    "chpt_[a-f0-9]{14,}",
    finds ["chpt_" "ea6aa053fade43"],
    passes ["chpt_" "one", "chpt_" "xxxxxxxxxxxxxx"];
    "lambdatest-token", &["LT_"], Varied(12),
    "LT_[A-Za-z0-9]{46,52}",
    finds ["LT_" "k8apSf5vStKpmfdLUGRPeq01K3Xr5lxGGjVp2eIOxPNDQWXg"],
    passes ["LT_" "EQUAL", "LT_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "ci-builder-token", &["nsct_", "dpt_", "depot_", "nsrt_"], Entropy(400),
    "(?:nsct|nsrt|dpt|depot)_[A-Za-z0-9_-]{32,}",
    finds [
        "nsct_" "YEdUNW2sF2qRb2qItralTS1EugqELxv4srCvnNpu",
        "depot_" "j7dqNtf4RkHtsOgI42OSetMH3JacotAobx6kq6uvLIgchzYR",
    ],
    passes ["depot_" "project_identifier_in_the_config", "nsct_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "snyk-token", &["snyk_uat.", "snyk_sat."], Varied(10),
    r"snyk_[us]at\.[A-Za-z0-9]{8}\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*",
    finds [
        "snyk_uat." "99088e8e.uY9i6_KJKABmw-gvxzPf8Orm0kNMPRf5xE60J8ZeuFzzmusT0F7QhhB9RQ_e6P6lkodPCA9d-JPCV-6U",
        "snyk_sat." "caf0b3f0.AREqmA3OxYXmD8jgcCKfn_SqW2AetDAVII_M-P2PUveMQheMB5FzJD6mRMRSl78_EPIEQzQl9EXknB3r."
          "MVESCUx03vjHEYSCBQNYjAYYqf4MaNFQZJGzJSMZ3X3",
    ],
    passes ["snyk_uat." "token"];
    "socket-security-token", &["sktsec_"], Varied(10),
    "sktsec_[A-Za-z0-9_-]{32,}",
    finds ["sktsec_" "AQ3r9CK9BICWEm45CnZ4h3lpqZH6krr6THQUy7ytAu7W_api"],
    passes ["sktsec_" "name", "sktsec_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_api"];
    "stackhawk-key", &["hawk."], Varied(9),
    r"hawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}",
    finds ["hawk." "eea8L4nAKR54gFMaDhsL.dFF2-36AKbVtZyTmG1W4"],
    passes ["hawk." "config", "hawk." "xxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxx"];
    "endorlabs-key", &["endr+"], Varied(6),
    r"endr\+[A-Za-z0-9-]{16}",
    finds ["endr+" "lRysvO4AtVfLycpV"],
    passes ["endr+1", "endr+" "xxxxxxxxxxxxxxxx"];
    "spectral-token", &["spu-", "spk-"], Varied(7),
    "sp[uk]-[a-f0-9]{32}",
    finds ["spu-" "65d30c76326e6c72472aca6564bed041"],
    passes ["spu-" "core", "spu-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "dependency-track-key", &["odt_"], Varied(8),
    "odt_(?:[A-Za-z0-9]{8}_)?[A-Za-z0-9]{32,}",
    finds ["odt_" "96zKTvohWHuTz1zzL5MyUv9cmLsoHiKu", "odt_" "rLgFPxTU_wXGtNYM4TBW9uvPaYXb3btiez67adH8A"],
    passes ["odt_" "document", "odt_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "thunderstore-token", &["tss_"], Entropy(400),
    "tss_[A-Za-z0-9]{34,}",
    finds ["tss_" "94APo98SY8FY3liBJ4FLVgtWO3LLiZHfqsnI"],
    passes ["tss_" "base", "tss_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "postman-key", &["PMAK-", "PMAT-"], Varied(7),
    "PMA[KT]-[A-Za-z0-9]{24,}(?:-[A-Za-z0-9]{30,})?",
    finds [
        "PMAK-" "c9de21a71f8beab6a1bc6fae-e5590e4d071921ba29c063653cf49f81ef",
        "PMAT-" "5G1DHKRFMOVZG6UII6L742JKYD",
    ],
    passes ["PMAK-" "KEY", "PMAK-" "xxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "readme-key", &["rdme_"], Varied(10),
    "rdme_[A-Za-z0-9]{60,}",
    finds ["rdme_" "vk7p1o8iormyyiqyl9hcfirgn6o3cf42mat5fd4mocpxctrbrr1uqjdo4xmdsxk8krax93"],
    passes [
        "rdme_" "xn8s9h",
        "rdme_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "wakatime-key", &["waka_"], Varied(7),
    "waka_(?:(?:tok|sec|ref)_)?[A-Za-z0-9-]{36,}",
    finds [
        "waka_" "d82b94d4-5a19-4577-a0ce-26ee628e030a",
        "waka_" "tok_MhaGlAWSUJ0GxlRV6rdyYmbOmSj9P1RgaaKccim6HSOdCtV6HTs23798rS3t",
    ],
    passes ["waka_" "dashboard", "waka_" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
    "ionic-token", &["ion_"], Varied(10),
    "ion_[A-Za-z0-9]{42}",
    finds ["ion_" "3YrdeupeKAtsGzK7fYxIQShx3hBK4srFojdM1w3z7U"],
    passes ["ion_" "channel_density", "ion_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "expo-token", &["expo_", "eas_"], Entropy(420),
    "(?:expo|eas)_[A-Za-z0-9_-]{38,44}",
    finds ["expo_" "dkBjzrZwsmnyhyf5N6IWKM02vyMG0fhSO6crRYGv"],
    passes ["expo_" "build_number_for_the_release", "expo_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "replit-token", &["replit_"], Varied(10),
    "replit_[A-Za-z0-9]{32,}",
    finds ["replit_" "DHdswF4NgcQZWllQHXAjspRuokHfGQadt5hDtAst"],
    passes ["replit_" "nix", "replit_" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "infracost-key", &["ico-"], Entropy(400),
    "ico-[A-Za-z0-9]{32}",
    finds ["ico-" "KO7UolHpY8BazOlIQ2QKlvmXWyRvFafI"],
    passes ["ico-" "7a388b69018576d24b59331fd60aab0", "ico-" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "jenkins-api-token", &["11"], Varied(7),
    "11[a-f0-9]{32}",
    finds ["11" "4b621e9493845afe3baf49af958d784f"],
    passes ["1122", "11" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"];
    "localstack-token", &["ls-"], Varied(8),
    "ls-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}",
    finds ["ls-" "sAFp58vo-dxtY-Dpti-mEuA-UKVgwwnBtTdc"],
    passes ["ls-" "remote", "ls-" "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"];
};
