//! The shop's MCP server: a program of its own over a SQLite sample, which wants to be shown a token, and where the token is
//! mounted for the gateway.

use std::fs;

use anyhow::{Context, Result};

use super::process::{Process, mount};
use crate::place::Place;
use crate::server::Server;

/// No pattern takes it for a secret: what hides it is that the gateway knows it.
const TOKEN: &str = "shop-door-opens-for-awooop";

pub struct Shop {
    server: Server,
    process: Process,
}

impl Shop {
    pub fn of(server: &Server) -> Shop {
        Shop { server: server.clone(), process: Process::of(server, "shop") }
    }

    /// Leaves it running.
    pub fn start(&self, place: &Place) -> Result<()> {
        self.process.serve(place, "ewoooc-server", |command, dir| {
            command.arg("--database").arg(dir.join("shop.sqlite"));
            command.arg("--require-header").arg(format!("Authorization=Bearer {TOKEN}"));
        })?;
        self.mount()
    }

    /// Puts the token where `k8s://ewoooc/shop/token` leads.
    pub fn mount(&self) -> Result<()> {
        mount(&self.server, ["ewoooc", "shop", "token"], TOKEN)
    }

    /// Takes it away again.
    pub fn unmount(&self) -> Result<()> {
        fs::remove_file(self.server.secrets().join("ewoooc/shop/token")).context("the token is not mounted")
    }

    /// Its address.
    pub fn url(&self) -> Result<String> {
        Ok(format!("{}/mcp", self.process.url()?))
    }

    pub fn stop(&self) -> Result<()> {
        self.process.stop()
    }
}
