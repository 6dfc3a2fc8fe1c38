use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;

fn good(hand: &str) -> Approval {
    Approval {
        hand: hand.into(),
        roles: vec!["security".into()],
        credential_lives: true,
        age_seconds: 0,
        mac: MacVerdict::Good(State::Current),
    }
}

fn quorum(approvers: u64) -> Quorum {
    Quorum { approvers, roles: Some(vec!["owner".into(), "security".into()]), signature_days: 7 }
}

#[test]
fn each_reason_not_to_count_is_told() {
    let authors = ["author".to_owned()];
    let cases = [
        (good("a"), None),
        (Approval { mac: MacVerdict::Bad, ..good("a") }, Some(Discount::Forged)),
        (Approval { mac: MacVerdict::UnknownKey, ..good("a") }, Some(Discount::UnknownKey)),
        (Approval { mac: MacVerdict::Good(State::Retired), ..good("a") }, Some(Discount::RetiredKey)),
        (Approval { mac: MacVerdict::Good(State::Standby), ..good("a") }, None),
        (Approval { credential_lives: false, ..good("a") }, Some(Discount::Credential)),
        (Approval { age_seconds: 7 * DAY, ..good("a") }, None),
        (Approval { age_seconds: 7 * DAY + 1, ..good("a") }, Some(Discount::Expired)),
        (Approval { roles: vec!["reader".into()], ..good("a") }, Some(Discount::Role)),
        (Approval { roles: Vec::new(), ..good("a") }, Some(Discount::Role)),
        (good("author"), Some(Discount::Author)),
    ];
    for (approval, expected) in cases {
        let tally = tally(&quorum(1), &authors, std::slice::from_ref(&approval));
        assert_eq!(tally.discounts, [expected], "{approval:?}");
        assert_eq!(tally.is_enough(), expected.is_none());
    }
}

#[test]
fn one_hand_counts_once_however_often_it_signs() {
    let tally = tally(&quorum(2), &[], &[good("a"), good("a"), good("b")]);
    assert_eq!(tally.discounts, [None, Some(Discount::SameHand), None]);
    assert!(tally.is_enough());
}

#[test]
fn before_a_policy_is_active_two_hands_of_any_role_are_needed() {
    let nobody = Approval { roles: Vec::new(), ..good("a") };
    assert!(!tally(&Quorum::default(), &[], std::slice::from_ref(&nobody)).is_enough());
    assert!(tally(&Quorum::default(), &[], &[nobody, good("b")]).is_enough());
}

#[test]
fn a_quorum_of_nobody_still_needs_somebody() {
    assert!(!tally(&quorum(0), &[], &[]).is_enough());
}

fn approval() -> impl Strategy<Value = Approval> {
    let mac = prop_oneof![
        4 => Just(MacVerdict::Good(State::Current)),
        1 => Just(MacVerdict::Good(State::Retired)),
        1 => Just(MacVerdict::Bad),
        1 => Just(MacVerdict::UnknownKey),
    ];
    let role = prop_oneof![Just("owner"), Just("security"), Just("reader")].prop_map(str::to_owned);
    ("[a-e]", prop::collection::vec(role, 0..3), prop::bool::weighted(0.8), 0..9 * DAY, mac).prop_map(
        |(hand, roles, credential_lives, age_seconds, mac)| Approval {
            hand,
            roles,
            credential_lives,
            age_seconds,
            mac,
        },
    )
}

proptest! {
    /// The count is that of a set: distinct hands with a good signature, without the authors'.
    #[test]
    fn the_count_is_the_number_of_distinct_hands_that_may_sign(
        approvals in prop::collection::vec(approval(), 0..12),
        authors in prop::collection::vec("[a-e]", 0..3),
        approvers in 1_u64..5,
    ) {
        let expected: BTreeSet<&String> = approvals
            .iter()
            .filter(|a| a.mac == MacVerdict::Good(State::Current) && a.credential_lives && a.age_seconds <= 7 * DAY)
            .filter(|a| a.roles.iter().any(|role| role != "reader"))
            .map(|a| &a.hand)
            .filter(|hand| !authors.contains(hand))
            .collect();
        let tally = tally(&quorum(approvers), &authors, &approvals);
        prop_assert_eq!(tally.counted, expected.len() as u64);
        prop_assert_eq!(tally.is_enough(), expected.len() as u64 >= approvers);
        prop_assert_eq!(tally.discounts.iter().filter(|d| d.is_none()).count() as u64, tally.counted);
    }

    /// A signature more never makes fewer count.
    #[test]
    fn signing_never_takes_anything_away(approvals in prop::collection::vec(approval(), 1..12)) {
        let all = tally(&quorum(3), &[], &approvals).counted;
        prop_assert!(tally(&quorum(3), &[], &approvals[1..]).counted <= all);
    }
}
