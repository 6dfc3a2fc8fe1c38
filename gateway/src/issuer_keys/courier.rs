//! The courier's credential, as its file has it now. It is in memory for one round, in a type that shows it to nobody.

use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Longer than any credential.
const MOST_BYTES: u64 = 1024;

/// Reads the credential; otherwise says why there is none, without the file's name or content.
pub async fn read(file: &Path) -> Result<SecretString, &'static str> {
    let unreadable = |_| "the courier's file cannot be read";
    let mut text = Zeroizing::new(String::new());
    let file = File::open(file).await.map_err(unreadable)?;
    file.take(MOST_BYTES).read_to_string(&mut text).await.map_err(unreadable)?;
    let credential = text.trim();
    if credential.starts_with("awi_") && !credential.contains(char::is_whitespace) {
        Ok(credential.into())
    } else {
        Err("the courier's file has no courier's credential")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    async fn of(content: &str) -> Result<String, &'static str> {
        let file = std::env::temp_dir().join(format!("courier-{}", uuid::Uuid::now_v7()));
        std::fs::write(&file, content).unwrap();
        let credential = read(&file).await;
        std::fs::remove_file(&file).unwrap();
        credential.map(|credential| credential.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_line_break_at_the_end_is_no_part_of_the_credential() {
        assert_eq!(of("awi_a.b\n").await.as_deref(), Ok("awi_a.b"));
    }

    #[tokio::test]
    async fn what_is_no_credential_is_not_sent() {
        for content in ["", "awk_a.b.c", "awi_a.b\nawi_c.d\n", "{\"courier\": \"awi_a.b\"}"] {
            assert!(of(content).await.is_err(), "{content}");
        }
        assert!(read(Path::new("/nowhere/courier")).await.is_err());
    }
}
