//! Families of sensitive text in a policy contract. Personal ones can be allowed; credentials have a type of their own
//! that can only be redacted.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// A family of sensitive text.
    pub enum Family {
        Email = "email",
        Phone = "phone",
        PaymentCard = "payment_card",
        NationalId = "national_id",
        PrivateKey = "private_key",
        AuthToken = "auth_token",
        VendorToken = "vendor_token",
        Secret = "secret",
        UrlCredential = "url_credential",
        Ip = "ip",
        CryptoAddress = "crypto_address",
    }
}

words! {
    /// What happens to a family.
    pub enum FamilyMode {
        Redact = "redact",
        Allow = "allow",
    }
}

words! {
    /// What happens to a family of credentials.
    pub enum CredentialMode { Redact = "redact", }
}

/// What happens to each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Families {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<FamilyMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<FamilyMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_card: Option<FamilyMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_id: Option<FamilyMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_token: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_credential: Option<CredentialMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<FamilyMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crypto_address: Option<FamilyMode>,
}

defaults! { Families {
    email: FamilyMode = FamilyMode::Redact;
    phone: FamilyMode = FamilyMode::Redact;
    payment_card: FamilyMode = FamilyMode::Redact;
    national_id: FamilyMode = FamilyMode::Redact;
    private_key: CredentialMode = CredentialMode::Redact;
    auth_token: CredentialMode = CredentialMode::Redact;
    vendor_token: CredentialMode = CredentialMode::Redact;
    secret: CredentialMode = CredentialMode::Redact;
    url_credential: CredentialMode = CredentialMode::Redact;
    ip: FamilyMode = FamilyMode::Allow;
    crypto_address: FamilyMode = FamilyMode::Allow;
} }

impl Families {
    /// What happens to this family.
    pub fn mode(&self, family: Family) -> FamilyMode {
        match family {
            Family::Email => self.email(),
            Family::Phone => self.phone(),
            Family::PaymentCard => self.payment_card(),
            Family::NationalId => self.national_id(),
            Family::Ip => self.ip(),
            Family::CryptoAddress => self.crypto_address(),
            Family::PrivateKey | Family::AuthToken | Family::VendorToken | Family::Secret | Family::UrlCredential => {
                FamilyMode::Redact
            }
        }
    }
}
