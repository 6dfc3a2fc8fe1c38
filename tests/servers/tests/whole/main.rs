//! The programs as they are used: started as processes, spoken to over HTTP and pipes.
#![cfg(test)]

mod credentials;
mod echo;
mod ewoooc;
mod lifecycles;
mod proxy;
mod running;
mod telegram;
mod trouble;
