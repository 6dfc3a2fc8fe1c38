//! Credentials: where a reference leads, the value for as long as one call needs it, and where in a request it goes. The
//! database has references alone; values are read from mounted directories, laid out as Kubernetes mounts secrets, each time
//! they are needed, so that a rotation is picked up by the next call.

pub mod mask;

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use awooop_contracts::model::text::CredentialReference;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A shorter value could not be told from other text, and hiding it would hide half of every result.
const LEAST_BYTES: usize = 8;
/// No key or token is longer.
const MOST_BYTES: u64 = 64 * 1024;

/// A credential as the database tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Use {
    /// `k8s://namespace/secret/key`.
    pub reference: String,
    /// Where its value goes.
    pub placement: Placement,
    /// The header, query parameter or environment variable.
    pub name: Option<String>,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`; the value is `user:password`.
    Basic,
    /// A header of its own.
    Header,
    /// A query parameter.
    Query,
    /// A variable of the environment of a local server.
    Environment,
}

/// Why a reference leads to nothing. None of it says what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The gateway has no directory of secrets.
    NoDirectory,
    /// It is no reference.
    Reference,
    /// There is no such file, or it cannot be read.
    Missing,
    /// It is empty, too short, too long, or no text of one line.
    Unusable,
}

impl Unresolved {
    /// As a word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Unresolved::NoDirectory => "no_directory",
            Unresolved::Reference => "reference",
            Unresolved::Missing => "missing",
            Unresolved::Unusable => "unusable",
        }
    }
}

/// The mounted directories: `{root}/{namespace}/{secret}/{key}`.
#[derive(Clone)]
pub struct Store(Option<Arc<Path>>);

impl Store {
    /// Of the directory that the settings name.
    pub fn new(root: Option<PathBuf>) -> Store {
        Store(root.map(Arc::from))
    }

    /// The value that a reference leads to, as it is now.
    pub async fn read(&self, reference: &str) -> Result<SecretString, Unresolved> {
        let root = self.0.clone().ok_or(Unresolved::NoDirectory)?;
        let reference = CredentialReference::try_from(reference.to_owned()).map_err(|_| Unresolved::Reference)?;
        let (namespace, secret, key) = reference.parts();
        let place = [namespace, secret, key].iter().try_fold(root.to_path_buf(), |place, part| step(place, part))?;
        let read = tokio::task::spawn_blocking(move || read(&place)).await;
        read.unwrap_or(Err(Unresolved::Missing))
    }
}

/// A part of a reference is one name below the directory, whatever its grammar lets through.
fn step(place: PathBuf, part: &str) -> Result<PathBuf, Unresolved> {
    let mut components = Path::new(part).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) if !part.starts_with("..") => Ok(place.join(name)),
        _ => Err(Unresolved::Reference),
    }
}

fn read(place: &Path) -> Result<SecretString, Unresolved> {
    let file = std::fs::File::open(place).map_err(|_| Unresolved::Missing)?;
    let mut value = String::new();
    // Not UTF-8 is as unusable as too long.
    let length = file.take(MOST_BYTES + 1).read_to_string(&mut value).map_err(|_| Unresolved::Unusable)?;
    // Editors and `echo` end a file with a line end, which is no part of a key.
    let line = value.strip_suffix('\n').unwrap_or(&value);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let is_usable = length as u64 <= MOST_BYTES && line.len() >= LEAST_BYTES && !line.chars().any(char::is_control);
    let secret = is_usable.then(|| SecretString::from(line.to_owned()));
    // What was read is wiped as well.
    drop(SecretString::from(value));
    secret.ok_or(Unresolved::Unusable)
}

/// What is written where, of a value.
pub enum Injected {
    /// The whole of a header.
    Header(String, SecretString),
    /// A query parameter.
    Query(String, SecretString),
    /// A variable of the environment.
    Environment(String, SecretString),
}

impl Use {
    /// What is written where.
    pub fn inject(&self, value: &SecretString) -> Injected {
        let name = self.name.clone().unwrap_or_default();
        let authorization = |text: String| Injected::Header("authorization".into(), text.into());
        match self.placement {
            Placement::Bearer => authorization(format!("Bearer {}", value.expose_secret())),
            Placement::Basic => authorization(format!("Basic {}", STANDARD.encode(value.expose_secret()))),
            Placement::Header => Injected::Header(name, value.clone()),
            Placement::Query => Injected::Query(name, value.clone()),
            Placement::Environment => Injected::Environment(name, value.clone()),
        }
    }

    /// All that must not be seen of a value: for `user:password` the password as well.
    pub fn hidden(&self, value: &SecretString) -> Vec<SecretString> {
        let password = match self.placement {
            Placement::Basic => value.expose_secret().split_once(':').map(|(_, password)| password),
            _ => None,
        };
        let password = password.filter(|password| password.len() >= LEAST_BYTES);
        std::iter::once(value.clone()).chain(password.map(|password| SecretString::from(password.to_owned()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A directory of secrets with one in it.
    fn mounted(name: &str, value: &[u8]) -> (Store, PathBuf) {
        let root = std::env::temp_dir().join(format!("awooop-secrets-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("shop/api")).unwrap();
        fs::write(root.join("shop/api/token"), value).unwrap();
        (Store::new(Some(root.clone())), root)
    }

    async fn read(store: &Store, reference: &str) -> Result<String, Unresolved> {
        store.read(reference).await.map(|value| value.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_reference_leads_to_what_is_there_now() {
        let (store, root) = mounted("now", b"a-first-token\n");
        assert_eq!(read(&store, "k8s://shop/api/token").await.as_deref(), Ok("a-first-token"));
        fs::write(root.join("shop/api/token"), "a-second-token").unwrap();
        assert_eq!(read(&store, "k8s://shop/api/token").await.as_deref(), Ok("a-second-token"));
        fs::remove_dir_all(root).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_key_is_not_sent_as_one() {
        for (name, value) in [
            ("short", &b"seven--"[..]),
            ("lines", b"first-line\nsecond"),
            ("empty", b""),
            ("bin", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7"),
        ] {
            let (store, root) = mounted(name, value);
            assert_eq!(read(&store, "k8s://shop/api/token").await, Err(Unresolved::Unusable), "{name}");
            fs::remove_dir_all(root).unwrap();
        }
        let (store, root) = mounted("long", &[b'a'; 70_000]);
        assert_eq!(read(&store, "k8s://shop/api/token").await, Err(Unresolved::Unusable));
        fs::remove_dir_all(root).unwrap();
    }

    #[tokio::test]
    async fn no_reference_leads_out_of_the_directory() {
        let (store, root) = mounted("out", b"a-first-token");
        fs::write(root.join("outside"), "another-token").unwrap();
        for reference in [
            "k8s://../outside/x",
            "k8s://shop/../outside",
            "k8s://shop/api/../../outside",
            "k8s:///etc/passwd",
            "/etc/passwd",
            "k8s://shop/api/..",
            "",
        ] {
            assert!(
                matches!(read(&store, reference).await, Err(Unresolved::Reference | Unresolved::Missing)),
                "{reference}"
            );
        }
        assert_eq!(read(&Store::new(None), "k8s://shop/api/token").await, Err(Unresolved::NoDirectory));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_value_goes_where_its_placement_says() {
        let value = SecretString::from("user:a-password".to_owned());
        let used =
            |placement, name: Option<&str>| Use { reference: String::new(), placement, name: name.map(str::to_owned) };
        assert!(matches!(used(Placement::Basic, None).inject(&value), Injected::Header(name, text)
            if name == "authorization" && text.expose_secret() == "Basic dXNlcjphLXBhc3N3b3Jk"));
        assert!(
            matches!(used(Placement::Query, Some("key")).inject(&value), Injected::Query(name, _) if name == "key")
        );
        let hidden = used(Placement::Basic, None).hidden(&value);
        assert_eq!(hidden.iter().map(|one| one.expose_secret()).collect::<Vec<_>>(), ["user:a-password", "a-password"]);
    }
}
