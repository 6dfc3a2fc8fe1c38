//! A log with rows sealed under checkpoints, what an outsider keeps of it, and an attacker with all rights over the
//! database who can make everything in it agree.

use awooop_policy::keyring::Keyring;
use awooop_policy::transparency::document::leaf_hash;
use awooop_policy::transparency::tree::Frontier;
use awooop_policy::transparency::{Hash, hex};
use serde_json::Value;

use crate::harness::quiet::text;
use crate::harness::{Actor, Project, Session, literal, own_database};

/// Rows before the first checkpoint, and in all.
pub const EARLY: u64 = 20;
pub const ROWS: u64 = 50;

pub struct Stage {
    pub admin: Session,
    pub actor: Actor,
    pub project: String,
    pub database: String,
    /// Checkpoints of [`EARLY`] and [`ROWS`] leaves, kept outside.
    pub held: [String; 2],
    /// The export of that time, one line an item.
    pub exported: Vec<String>,
}

impl Stage {
    /// A project with [`ROWS`] sealed rows, in a database of its own.
    pub fn new() -> Self {
        let (database, mut admin) = own_database();
        let project = Project::in_database(&database);
        let mut stage = Self {
            actor: project.actor(),
            project: project.id.clone(),
            database,
            held: Default::default(),
            exported: Vec::new(),
            admin: project.admin(),
        };
        let before: u64 = admin.value("select count(*) from awooop.audit_log").parse().unwrap();
        stage.write(EARLY - before);
        stage.held[0] = stage.checkpoint();
        stage.write(ROWS - EARLY);
        stage.held[1] = stage.checkpoint();
        stage.exported = stage.export();
        assert_eq!(stage.exported.len() as u64, ROWS);
        stage
    }

    /// The login of the project's tenant.
    pub fn role(&self) -> String {
        let sql = format!("select role_name from awooop.role_bindings where project_id = '{}'", self.project);
        crate::harness::quiet::superuser_in(&self.database).value(&sql)
    }

    /// `n` more audit rows, committed.
    pub fn write(&mut self, n: u64) {
        let stem = crate::harness::unique("agent");
        self.actor.call(&format!("select count(awooop.create_agent('{stem}-' || n)) from generate_series(1, {n}) n"));
    }

    /// Seals what waits, and returns the latest checkpoint.
    pub fn checkpoint(&mut self) -> String {
        self.admin.run("select awooop.maintain()");
        text(&self.actor.call("select awooop.audit_checkpoint()")["checkpoint"])
    }

    /// The log as it is now, one line an item.
    pub fn export(&mut self) -> Vec<String> {
        let answer = self.actor.call("select awooop.export_audit(page_size => 1000)");
        assert_eq!(answer["next_cursor"], Value::Null);
        answer["items"].as_array().unwrap().iter().map(Value::to_string).collect()
    }

    /// The answer of audit_verify without a checkpoint, or with one.
    pub fn verify(&mut self, held: Option<&str>) -> Value {
        let argument = held.map(literal).unwrap_or_else(|| "null".to_owned());
        self.actor.call(&format!("select awooop.audit_verify({argument})"))
    }

    /// What audit_verify finds: kind, and the leaf or the beginning of the range or the size it is about.
    pub fn findings(&mut self, held: Option<&str>) -> Vec<(String, u64)> {
        let answer = self.verify(held);
        let findings: Vec<(String, u64)> = answer["findings"].as_array().unwrap().iter().map(place).collect();
        assert_eq!(answer["ok"], findings.is_empty());
        findings
    }

    /// What doctor() finds about audit logs.
    pub fn doctor(&mut self) -> String {
        let sql = "select coalesce(string_agg(subject || ': ' || finding, '; '), '') from awooop.doctor() where area = 'audit'";
        self.admin.value(sql)
    }

    /// The id of the row of a leaf.
    pub fn id(&mut self, leaf: u64) -> String {
        let sql = format!(
            "select audit_id from awooop.audit_leaf where project_id = '{}' and leaf_index = {leaf}",
            self.project
        );
        self.admin.value(&sql)
    }

    /// What a superuser can do: no trigger is in the way.
    pub fn as_attacker(&mut self, sql: &str) {
        let tables = [
            "audit_log",
            "audit_leaf",
            "audit_node",
            "audit_checkpoint",
            "audit_archive",
            "audit_pending",
            "audit_head",
        ];
        for table in tables {
            self.admin.run(&format!("alter table awooop.{table} disable trigger all"));
        }
        self.admin.run(sql);
        for table in tables {
            self.admin.run(&format!("alter table awooop.{table} enable trigger all"));
        }
    }

    /// Makes leaves, nodes, head and stored checkpoints agree with the rows as they are now, in the order of their
    /// leaves. Stored checkpoints are gone, as if nothing had been signed yet: the next round of maintenance signs the
    /// forged log with the real key, which the attacker never reads.
    pub fn cover_up(&mut self) {
        self.cover_up_with(None);
    }

    /// The same by somebody who has the key.
    pub fn cover_up_with(&mut self, key: Option<&Keyring>) {
        let project = self.project.clone();
        let leaves: Vec<(String, Hash)> = self
            .export()
            .iter()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                (text(&line["audit_id"]), leaf_hash(line["document"].as_str().unwrap()))
            })
            .collect();
        let mut tree = Frontier::default();
        let mut sql = format!(
            "delete from awooop.audit_node where project_id = '{project}';
             delete from awooop.audit_checkpoint where project_id = '{project}';
             update awooop.audit_leaf set leaf_index = leaf_index + 1000000 where project_id = '{project}';"
        );
        for (n, (id, leaf)) in leaves.iter().enumerate() {
            sql.push_str(&format!(
                "update awooop.audit_leaf set leaf_index = {n}, leaf_hash = '\\x{}' where project_id = '{project}' and audit_id = '{id}';",
                hex(leaf)
            ));
            for node in tree.push(*leaf).unwrap().collect::<Vec<_>>() {
                sql.push_str(&format!(
                    "insert into awooop.audit_node values ('{project}', {}, {}, '\\x{}');",
                    node.level,
                    node.index,
                    hex(&node.hash)
                ));
            }
        }
        sql.push_str(&format!(
            "update awooop.audit_head set tree_size = {}, signed_size = {}, peaks = '\\x{}' where project_id = '{project}';",
            tree.size(),
            if key.is_some() { tree.size() } else { 0 },
            ::hex::encode(tree.peaks())
        ));
        if let Some(keyring) = key {
            let root = tree.root().unwrap();
            let signer = keyring.audit_signer().unwrap();
            let note = awooop_policy::transparency::checkpoint::sign(&project, tree.size(), root, &signer).unwrap();
            sql.push_str(&format!(
                "insert into awooop.audit_checkpoint values ('{project}', {}, '\\x{}', {}, 'audit-1');",
                tree.size(),
                hex(&root),
                literal(&note)
            ));
        }
        self.as_attacker(&sql);
    }

    /// The server's keyring, read as a superuser can.
    pub fn keyring(&mut self) -> Keyring {
        let text = self.admin.value("select pg_read_file(current_setting('awooop.keyring_file'))");
        Keyring::parse(&text).unwrap_or_else(|why| panic!("{why}"))
    }
}

/// Kind and place of a finding.
pub fn place(finding: &Value) -> (String, u64) {
    let place = ["leaf_index", "from_leaf", "tree_size"].iter().find_map(|name| finding[name].as_u64());
    (text(&finding["kind"]), place.unwrap_or(u64::MAX))
}

/// One finding as [`Stage::findings`] shows it.
pub fn found(kind: &str, place: u64) -> Vec<(String, u64)> {
    vec![(kind.to_owned(), place)]
}
