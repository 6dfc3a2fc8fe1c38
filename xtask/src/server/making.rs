//! Making a server's cluster: the directories, the database, the extension in it, its keyring, and the settings it runs
//! with.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use awooop_policy::keyring::{Keyring, Use};

use super::{DATABASE, Durability, SUPERUSER, Server};
use crate::place::{Account, random_password, write_secret};
use crate::program;

impl Server {
    /// Makes an empty cluster with an empty database.
    pub(super) fn initialize(&self) -> Result<()> {
        let account = Account::of_servers()?;
        for dir in [self.data(), self.run()] {
            if dir.exists() {
                fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
            }
            account.private_directory(&dir)?;
        }
        for password in ["superuser.password", "gateway.password"] {
            // Kept when the cluster is made anew, like the port: URIs stay true, and a gateway that runs finds back.
            if self.fact(password).is_empty() {
                write_secret(&self.dir.join(password), &random_password()?)?;
            }
        }
        // initdb reads the password from a file, as the user it runs as.
        let password_file = self.run().join("password");
        write_secret(&password_file, &self.superuser_password()?)?;
        account.give(&password_file)?;
        let mut initdb = account.command(self.bin.join("initdb"), &self.run());
        initdb.arg("--pgdata").arg(self.data()).arg("--pwfile").arg(&password_file);
        initdb.args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        let made = program::capture(&mut initdb);
        fs::remove_file(&password_file)?;
        made.context("cannot make a database cluster")?;

        let settings = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&settings)?;
        fs::write(&settings, format!("{text}\ninclude 'awooop.conf'\n"))?;
        // The database is there before the first start, since the extension's background worker looks for it.
        fs::write(self.data().join("awooop.conf"), "")?;
        account.give(&self.data().join("awooop.conf"))?;
        let mut single = account.command(self.bin.join("postgres"), &self.run());
        single.args(["--single", "-D"]).arg(self.data()).arg("postgres");
        program::capture_with_input(&mut single, &format!("create database {DATABASE}\n"))?;
        Ok(())
    }

    /// What a database administrator does once.
    pub(super) fn populate(&self) -> Result<()> {
        self.sql(DATABASE, "create extension pg_awooop")?;
        self.sql(DATABASE, "select awooop.migrate()").context("awooop.migrate() failed")?;
        let password = self.fact("gateway.password");
        self.sql(DATABASE, &format!("alter role awooop_gateway password '{password}'"))?;
        Ok(())
    }

    /// The keys that sign checkpoints of audit logs, contracts and approvals; kept when the cluster is made anew, so that what they
    /// signed still verifies.
    fn keyring(&self) -> Result<PathBuf> {
        let file = self.dir.join("keyring.json");
        if !file.exists() {
            let keyring = Keyring::create(&format!("awooop-{}", self.name));
            let keyring = keyring.map_err(|why| anyhow::anyhow!("cannot make a keyring: {why}"))?;
            write_secret(&file, &keyring.reveal())?;
        } else if let Some(keyring) = with_every_key(&fs::read_to_string(&file)?)? {
            write_secret(&file, &keyring.reveal())?;
        }
        // The server reads it as its own user, and refuses one that others may read.
        Account::of_servers()?.give(&file)?;
        Ok(file)
    }

    /// Writes the settings of the next start.
    pub(super) fn configure(&self, port: u16, durability: Durability) -> Result<()> {
        let mut text = format!(
            "# Written at every start by `cargo xtask`.\n\
             listen_addresses = '127.0.0.1'\n\
             port = {port}\n\
             unix_socket_directories = '{}'\n\
             cluster_name = 'awooop-{}'\n\
             shared_preload_libraries = 'pg_awooop'\n\
             awooop.database = '{DATABASE}'\n\
             awooop.keyring_file = '{}'\n\
             max_connections = 200\n\
             password_encryption = 'scram-sha-256'\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_line_prefix = '%m [%p] %q%u@%d '\n",
            self.run().display(),
            self.name,
            self.keyring()?.display(),
        );
        if durability == Durability::None {
            text.push_str("fsync = off\nfull_page_writes = off\n");
            // Where a test's transaction stands in the way of another test's lock, and that one in its own, both wait for ever.
            text.push_str("idle_in_transaction_session_timeout = '2min'\n");
        }
        let file = self.data().join("awooop.conf");
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// The keyring of this text with a current key of each use, where it lacks one: those made before there was the use.
fn with_every_key(text: &str) -> Result<Option<Keyring>> {
    let refused = |why| anyhow::anyhow!("the keyring is refused: {why}");
    let mut keyring = Keyring::parse(text).map_err(refused)?;
    let mut has_changed = false;
    for (usage, word) in [(Use::Contract, "contract"), (Use::Approval, "approval")] {
        let has_one = match usage {
            Use::Approval => keyring.approval_signer().is_some(),
            _ => keyring.contract_signer().is_some(),
        };
        if has_one {
            continue;
        }
        // Another key may have the first name: one on standby, or a retired one.
        let free = |id: &String| keyring.keys().iter().all(|key| key.id() != id);
        let id = (1..).map(|number| format!("{word}-{number}")).find(free).context("no name is free")?;
        keyring.add(&id, usage).map_err(refused)?;
        keyring.make_current(&id).map_err(refused)?;
        has_changed = true;
    }
    Ok(has_changed.then_some(keyring))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_from_before_a_use_gets_a_key_for_it_once() {
        let mut old = Keyring::create("awooop-test").unwrap();
        assert!(with_every_key(&old.reveal()).unwrap().is_none());
        old.retire("contract-1").unwrap();
        old.retire("approval-1").unwrap();
        let new = with_every_key(&old.reveal()).unwrap().unwrap();
        assert_eq!(new.contract_signer().unwrap().id, "contract-2");
        assert_eq!(new.approval_signer().unwrap().id, "approval-2");
        assert_eq!(new.audit_public_keys(), old.audit_public_keys());
        assert!(with_every_key(&new.reveal()).unwrap().is_none());
    }
}
