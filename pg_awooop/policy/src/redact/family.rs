//! The families of sensitive text. A finding is replaced by the name of its family.

/// A family of sensitive text. Nine are on by default; the last two only where a project asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    Email,
    Phone,
    PaymentCard,
    NationalId,
    PrivateKey,
    /// JSON Web Tokens, and the values of Authorization and Cookie headers.
    AuthToken,
    /// Keys and tokens that a vendor issues, known by prefix and shape.
    VendorToken,
    /// A value whose name says that it is secret.
    Secret,
    /// Credentials in URLs and connection strings.
    UrlCredential,
    Ip,
    CryptoAddress,
}

impl Family {
    pub const ALL: [Family; 11] = [
        Family::Email,
        Family::Phone,
        Family::PaymentCard,
        Family::NationalId,
        Family::PrivateKey,
        Family::AuthToken,
        Family::VendorToken,
        Family::Secret,
        Family::UrlCredential,
        Family::Ip,
        Family::CryptoAddress,
    ];

    /// The name as SQL, JSON and markers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Family::Email => "email",
            Family::Phone => "phone",
            Family::PaymentCard => "payment_card",
            Family::NationalId => "national_id",
            Family::PrivateKey => "private_key",
            Family::AuthToken => "auth_token",
            Family::VendorToken => "vendor_token",
            Family::Secret => "secret",
            Family::UrlCredential => "url_credential",
            Family::Ip => "ip",
            Family::CryptoAddress => "crypto_address",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Family::ALL.into_iter().find(|family| family.as_str() == name)
    }

    /// What stands where a finding stood.
    pub const fn marker(self) -> &'static str {
        match self {
            Family::Email => "[REDACTED:email]",
            Family::Phone => "[REDACTED:phone]",
            Family::PaymentCard => "[REDACTED:payment_card]",
            Family::NationalId => "[REDACTED:national_id]",
            Family::PrivateKey => "[REDACTED:private_key]",
            Family::AuthToken => "[REDACTED:auth_token]",
            Family::VendorToken => "[REDACTED:vendor_token]",
            Family::Secret => "[REDACTED:secret]",
            Family::UrlCredential => "[REDACTED:url_credential]",
            Family::Ip => "[REDACTED:ip]",
            Family::CryptoAddress => "[REDACTED:crypto_address]",
        }
    }

    /// Looked for unless a project says otherwise.
    pub const fn is_default(self) -> bool {
        !matches!(self, Family::Ip | Family::CryptoAddress)
    }

    /// Secrets: no project can have them shown.
    pub const fn is_credential(self) -> bool {
        matches!(
            self,
            Family::PrivateKey | Family::AuthToken | Family::VendorToken | Family::Secret | Family::UrlCredential
        )
    }
}
