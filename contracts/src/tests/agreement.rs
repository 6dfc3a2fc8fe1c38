//! Schema and type accept the same documents.

use super::generator::{Generator, Random};
use crate::{Contract, Kind, canonical_json, schema, strict};

/// How many documents of each kind are tried; `AWOOOP_CONTRACT_CASES` asks for more.
fn cases() -> u64 {
    std::env::var("AWOOOP_CONTRACT_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000)
}

fn agree_on(kind: Kind) {
    let generator = Generator::new(kind);
    let (mut accepted, mut refused) = (0, 0);
    let at_random = (0..cases()).map(|seed| generator.document(&mut Random(seed)));
    for (at, document) in generator.edges().into_iter().chain(at_random).enumerate() {
        if strict::check(&document).is_err() {
            continue;
        }
        let violations = schema::violations(kind, &document, 3);
        let typed = Contract::typed(kind, &document);
        assert_eq!(violations.is_empty(), typed.is_some(), "{kind:?}, document {at}: {violations:#?}\n{document:#}");
        match typed {
            Some(contract) => {
                let again = contract.to_value().unwrap();
                assert_eq!(
                    canonical_json(&again).unwrap(),
                    canonical_json(&document).unwrap(),
                    "{kind:?}, document {at}"
                );
                accepted += 1;
            }
            None => refused += 1,
        }
    }
    // A generator that only makes one sort would prove nothing.
    assert!(accepted * 10 > cases() && refused * 10 > cases(), "{kind:?}: {accepted} accepted, {refused} refused");
}

#[test]
fn schema_and_type_of_projects_accept_the_same_documents() {
    agree_on(Kind::Project);
}

#[test]
fn schema_and_type_of_agents_accept_the_same_documents() {
    agree_on(Kind::Agent);
}

#[test]
fn schema_and_type_of_policies_accept_the_same_documents() {
    agree_on(Kind::Policy);
}

#[test]
fn schema_and_type_of_tools_accept_the_same_documents() {
    agree_on(Kind::Tool);
}

#[test]
fn schema_and_type_of_channels_accept_the_same_documents() {
    agree_on(Kind::Channel);
}

#[test]
fn schema_and_type_of_runs_accept_the_same_documents() {
    agree_on(Kind::Run);
}
