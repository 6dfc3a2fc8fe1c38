//! Every error and refusal AwoooP can answer with, as one closed table.
//!
//! A code is written here once; the SQL fault, the HTTP problem (RFC 9457), `awooop.error_catalog` and docs/ERRORS.md
//! are made from it. No text in this table is built from input, so no message can carry a secret or another
//! tenant's data.

mod problem;

pub use problem::{Problem, problem_schema};

macro_rules! catalogue {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $sqlstate:literal, $status:literal, $message:literal, $hint:literal; )*) => {
        /// An error or refusal, by name. The text form is `E-AREA-NNN`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $( $(#[$meta])* $name, )* }

        impl ErrorCode {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [ErrorCode] = &[$( ErrorCode::$name, )*];

            /// The row of the table that describes this code.
            pub const fn entry(self) -> Entry {
                match self {
                    $( ErrorCode::$name => Entry {
                        code: $code, sqlstate: $sqlstate, status: $status, message: $message, hint: $hint,
                    }, )*
                }
            }
        }
    };
}

/// What the catalogue says of one code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// `E-AREA-NNN`, stable for ever.
    pub code: &'static str,
    /// A standard SQLSTATE: pgrx turns one it does not know into `XX000`.
    pub sqlstate: &'static str,
    /// The HTTP status of the same answer.
    pub status: u16,
    /// What is wrong, in one sentence, without quoting input.
    pub message: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

catalogue! {
    InputInvalid = "E-INPUT-001", "22023", 400,
        "an argument has a value that is not allowed",
        "DETAIL (or `argument` and `expected` in the problem) names the argument and says what it takes.";
    InputUnknown = "E-INPUT-002", "22023", 400,
        "there is an argument this operation does not know",
        "Send only the arguments listed under `accepted`; they are case-sensitive.";
    InputNotJson = "E-INPUT-003", "22023", 400,
        "the text is not valid JSON",
        "Send one JSON object in UTF-8; `line` and `column` say where reading stopped.";
    InputDuplicateKey = "E-INPUT-004", "22023", 400,
        "an object in the JSON has the same key twice",
        "Send each key once: readers disagree about which of two values counts.";
    InputNumber = "E-INPUT-005", "22003", 400,
        "a number in the JSON lies beyond plus or minus 2^53",
        "Send large integers as strings: JSON readers round them silently.";
    InputTooDeep = "E-INPUT-006", "54000", 400,
        "the JSON is nested too deeply",
        "Nest arrays and objects at most 64 levels deep.";
    InputTooLarge = "E-INPUT-007", "54000", 413,
        "the input is too large",
        "Send a smaller document; `limit_bytes` says how much is accepted.";
    InputMissing = "E-INPUT-008", "22004", 400,
        "a required argument is missing or null",
        "Send the argument named by `argument`.";
    InputNul = "E-INPUT-009", "22021", 400,
        "the input has a NUL character or is not UTF-8",
        "Send UTF-8 text without U+0000: PostgreSQL cannot store it.";
    InputCursor = "E-INPUT-010", "22023", 400,
        "the page cursor is not one this listing gave out",
        "Pass `next_cursor` of the page before, unchanged, with the same filters.";

    TenantNoContext = "E-TENANT-001", "55000", 400,
        "this transaction is not bound to a project",
        "Open a transaction and call awooop.enter_project(project_id) first.";
    TenantUnavailable = "E-TENANT-002", "55000", 409,
        "the project does not exist, or its migration_mode is legacy_awoooi_default",
        "Create it with awooop.create_project, and move it to at least shadow with awooop.set_project_mode.";
    TenantNotBound = "E-TENANT-003", "42501", 403,
        "this login is not bound to that project",
        "Ask an operator for awooop.bind_role(role, project_id, scopes).";
    TenantAlreadyBound = "E-TENANT-004", "55000", 409,
        "this transaction is bound to another project already",
        "Use one transaction for each project.";
    TenantSuspended = "E-TENANT-005", "42501", 403,
        "the project is suspended",
        "Ask an operator to lift it with awooop.suspend_project(project_id, suspended => false).";
    TenantExists = "E-TENANT-006", "42710", 409,
        "a project with this id exists already",
        "Choose another project_id.";
    TenantEnvelope = "E-TENANT-007", "42501", 403,
        "the envelope was built for another project",
        "Build an envelope in this project with awooop.build_envelope.";
    TenantIsolation = "E-TENANT-008", "55000", 409,
        "operations work at READ COMMITTED only",
        "Begin with `begin isolation level read committed`: an older snapshot would show rights and contracts that are over.";

    AuthFailed = "E-AUTH-001", "28000", 401,
        "authentication failed",
        "Send a valid key of this project (`Authorization: Bearer awk_…`), or an access token of one of its issuers. Whatever is wrong with one, the answer is this.";
    AuthThrottled = "E-AUTH-002", "53400", 429,
        "too many failed authentications",
        "Wait `retry_after_seconds`, then try again with a valid key; valid keys are never throttled.";
    AuthScope = "E-AUTH-003", "42501", 403,
        "the credential does not have the scope this operation needs",
        "Use a credential that has the scope named by `required_scope`.";
    AuthEscalation = "E-AUTH-004", "42501", 403,
        "a credential cannot hand out scopes it does not have",
        "Ask for a subset of the caller's own scopes, or let an operator do it.";
    AuthOperator = "E-AUTH-005", "42501", 403,
        "this takes the operator role",
        "Connect as a member of awooop_operator, or as a superuser.";
    AuthPrincipal = "E-AUTH-006", "42501", 403,
        "a credential cannot make or rotate a key of somebody else's principal",
        "Name a principal_id that is new, the caller's own or one that the caller made, or none; an operator may name any.";
    AuthIdentity = "E-AUTH-007", "55000", 409,
        "whose a credential is, and whose hand a principal, never changes",
        "Revoke the key and make another; a principal is the hand of whoever brought it into being.";

    IssuerUnknown = "E-ISSUER-001", "42704", 404,
        "there is no such token issuer in this project",
        "awooop.list_token_issuers shows them; awooop.set_token_issuer registers one. A key set must come from the address that is registered.";
    IssuerForeign = "E-ISSUER-002", "42501", 403,
        "the issuer was registered by somebody else",
        "Whoever says where an issuer's keys are can speak for all of its subjects: let who registered it, or an operator, change it.";
    IssuerTooMany = "E-ISSUER-003", "54000", 409,
        "the project has as many token issuers as it may have",
        "Remove one with awooop.remove_token_issuer; `limit` says how many there may be.";
    IssuerKeys = "E-ISSUER-004", "22023", 422,
        "this is no key set that tokens can be verified with",
        "`reason`: not_a_set, shows_a_secret (a private or symmetric key), same_id_twice or too_many. Nothing of it was taken; the set of before is good for a day.";
    IssuerCourier = "E-ISSUER-005", "28000", 401,
        "authentication failed",
        "Send the courier's credential, `awi_…`, as awooop.create_issuer_courier returned it. Unknown, wrong and revoked ones get this same answer.";
    IssuerCourierTaken = "E-ISSUER-006", "42710", 409,
        "a courier of this name exists already",
        "Choose another name, or end it with awooop.revoke_issuer_courier(name).";
    IssuerCourierUnknown = "E-ISSUER-007", "42704", 404,
        "there is no courier of this name, or it was revoked before",
        "awooop.issuer_courier lists those that there are and were.";

    OperationUnknown = "E-OP-001", "42704", 404,
        "there is no operation of that name",
        "select name from awooop.operation lists them.";
    OperationDisabled = "E-OP-002", "42501", 403,
        "this operation is switched off",
        "An operator switches it on again with awooop.set_operation(name, enabled => true).";

    AgentUnknown = "E-AGENT-001", "42704", 404,
        "there is no such agent in this project",
        "Register it with awooop.create_agent(agent_id).";
    AgentExists = "E-AGENT-002", "42710", 409,
        "an agent with this id exists already",
        "Choose another agent_id.";
    AgentDisabled = "E-AGENT-003", "55000", 409,
        "the agent is disabled",
        "Enable it with awooop.create_agent(agent_id, enabled => true), or use another.";

    SubjectUnknown = "E-SUBJECT-001", "42704", 404,
        "there is no such subject in this project",
        "A subject comes into being with awooop.build_envelope or awooop.upsert_platform_subject.";

    KeyUnknown = "E-KEY-001", "42704", 404,
        "there is no such API key in this project",
        "key_id is the middle part of the key, between the dots.";
    KeyRevoked = "E-KEY-002", "55000", 409,
        "the API key is revoked or expired",
        "Create a new one with awooop.create_api_key.";

    RunUnknown = "E-RUN-001", "42704", 404,
        "there is no such run in this project",
        "awooop.list_runs shows the runs of the project.";
    RunTransition = "E-RUN-002", "55000", 409,
        "the run cannot go from its state to that one",
        "awooop.run_transition lists what is possible.";
    RunLease = "E-RUN-003", "55000", 409,
        "the lease is not the run's current one",
        "The lease expired, was given to another worker, or is not for this run. Drop the work; claim again.";
    RunIdempotency = "E-RUN-004", "22023", 422,
        "the idempotency key was used before with a different request",
        "Use a new key for a new request, or send the first request again unchanged.";
    RunStepConflict = "E-RUN-005", "22023", 409,
        "a step with this key was recorded with a different request",
        "Give each step its own step_key, each output its own attempt; a retry sends the same request.";
    RunFinished = "E-RUN-006", "55000", 409,
        "the run has ended",
        "A run that has ended never changes; create a new one.";
    RunImmutable = "E-RUN-007", "55000", 409,
        "this part of a run never changes",
        "Identity, input, trace and origin of a run are fixed when it is created.";
    RunDelete = "E-RUN-008", "55000", 409,
        "runs are deleted only by retention",
        "A run can be deleted once it has ended and its retain_until has passed.";
    RunKeyRequired = "E-RUN-010", "22004", 400,
        "the run contract asks for an idempotency key",
        "Send idempotency_key (or the header Idempotency-Key): one for each thing that is to happen once.";
    RunSteps = "E-RUN-011", "54000", 409,
        "the run has recorded as many steps as its contract allows; it has failed",
        "`limit` is max_steps of the run contract. A run that has ended never changes; create a new one.";
    RunSubject = "E-RUN-009", "42704", 404,
        "the envelope's subject does not exist in this project",
        "Build the envelope with awooop.build_envelope, and pass it on unchanged.";

    AgentNoContract = "E-AGENT-004", "55000", 409,
        "the agent has no active contract, or none whose signature can be verified",
        "Draft, publish and sign one, then awooop.activate_contract(revision_id).";

    AgentUnproven = "E-AGENT-005", "55000", 409,
        "nobody can say now whether the agent's contract is in force; its runs wait",
        "The keyring does not vouch for the contract: awooop.verify_contract(revision_id) and awooop.doctor() say why. Try again later.";

    ApprovalUnknown = "E-APPROVAL-001", "42704", 404,
        "there is no such request for approval in this project",
        "awooop.list_approvals() shows those that there are.";
    ApprovalTool = "E-APPROVAL-002", "42704", 404,
        "there is no active contract for this tool",
        "Draft, publish, sign and activate a tool contract of that name; until then nobody can say what a call of it does.";
    ApprovalDenied = "E-APPROVAL-003", "42501", 403,
        "the call is denied, whoever would approve it",
        "`reason` says by what: the agent's contract, the project's mode, or the policy.";
    ApprovalEnded = "E-APPROVAL-004", "55000", 409,
        "the request has been decided, has expired, or its run has ended",
        "`state` says which. What is still wanted is asked anew, by a run that goes on.";
    ApprovalOwn = "E-APPROVAL-005", "42501", 403,
        "nobody decides a request of their own, whichever credential they use",
        "Somebody else must: neither who asked nor who created the run, nor principals that one of them made.";
    ApprovalRole = "E-APPROVAL-006", "42501", 403,
        "deciding this request takes a role that you do not have",
        "`roles` names those that may; awooop.grant_principal_role gives one.";
    ApprovalTwice = "E-APPROVAL-007", "55000", 409,
        "you have approved this request already, and count once",
        "`counted` of `needed` have agreed; somebody else must approve.";
    ApprovalChanged = "E-APPROVAL-008", "55000", 409,
        "the request is not what you have seen",
        "Look at it again with awooop.approval_status, and decide with the `digest` that it shows.";
    ApprovalNoKey = "E-APPROVAL-009", "55000", 503,
        "the platform has no key that approvals are made with",
        "awooop.doctor() says what is missing: `awooop-gateway keyring add --use approval`, and make it current.";
    ApprovalReason = "E-APPROVAL-010", "22004", 400,
        "the policy wants to know why",
        "Send `reason`, a line of text.";
    ApprovalGuarded = "E-APPROVAL-011", "55000", 409,
        "what was asked and what was decided never changes",
        "Use the operations: request_approval, issue_approval, reject_approval.";
    ApprovalStep = "E-APPROVAL-012", "22023", 422,
        "the step of that key was asked about with another tool or other arguments",
        "A step key stands for one call of the run: take a new key for another call.";
    ApprovalArguments = "E-APPROVAL-013", "22023", 422,
        "the arguments are not what the tool takes",
        "`errors` says what is wrong and where, by the input schema of the tool's contract.";
    ApprovalTampered = "E-APPROVAL-014", "55000", 409,
        "the request is not what the platform stored, or its key is not here",
        "Nobody decides it: let its run be cancelled or time out, and find out who writes to awooop.approval_request.";
    ApprovalOutdated = "E-APPROVAL-015", "55000", 409,
        "the tool's contract has changed since the call was asked about",
        "Ask awooop.request_approval again for the step, so that people decide about what the tool does now.";
    ApprovalNeeded = "E-APPROVAL-016", "42501", 403,
        "the call needs an approval",
        "Ask awooop.request_approval for the step; once it is approved, send its token as `approval_token`.";
    ApprovalCapacity = "E-APPROVAL-017", "53400", 429,
        "too many requests wait for people already",
        "Have some decided first; `capacity.max_waiting_approvals` of the project's contract says how many may wait.";

    BudgetExceeded = "E-BUDGET-001", "53400", 402,
        "a budget has no room for this",
        "`level`, `target` and `period` name the limit, `left` says what is left of it. Ask for less, wait for `resets_at`, or have it raised with awooop.set_budget.";
    BudgetPaused = "E-BUDGET-002", "55000", 409,
        "the budget is paused: nothing new is admitted",
        "`level` and `target` say where. awooop.switch_budget(level, target, 'active') lets work in again.";
    BudgetKilled = "E-BUDGET-003", "55000", 409,
        "the budget is switched off: nothing is admitted, and what was under way has stopped",
        "`level` and `target` say where. awooop.switch_budget(level, target, 'active') lets new work in.";
    BudgetOverrun = "E-BUDGET-004", "53400", 402,
        "more was used than any limit had room for; it is booked as overrun, and the run has been stopped",
        "`overrun` says how much. A run that has ended never changes; raise the limit before the next one.";
    BudgetReservation = "E-BUDGET-005", "42704", 404,
        "there is no such reservation in this project",
        "awooop.reserve_budget returns the reservation's id; settle or release it with the same project.";
    BudgetEnded = "E-BUDGET-006", "55000", 409,
        "the reservation has ended",
        "`outcome` says how. What was used after that is a new reservation, or an adjustment.";
    BudgetPrice = "E-BUDGET-007", "42704", 422,
        "nobody has said what this costs",
        "There are limits in money: send micro_usd, or a model whose price awooop.set_price has set.";
    BudgetKey = "E-BUDGET-008", "22023", 422,
        "the idempotency key was used before with a different request",
        "Use a new key for a new request, or send the first request again unchanged.";
    BudgetGuarded = "E-BUDGET-009", "55000", 409,
        "counters, and what is held of them, are written by the platform alone",
        "Use the operations: set_budget, reserve_budget, settle_budget, release_budget.";
    BudgetLimit = "E-BUDGET-010", "42704", 404,
        "there is no such limit to remove",
        "awooop.budget_status shows every limit with its source; what a contract says, the next contract changes.";
    BudgetAmount = "E-BUDGET-011", "22023", 400,
        "there is no amount, or two that contradict each other",
        "Send tokens and micro_usd, or a model with input_tokens, cached_tokens and output_tokens.";
    BudgetUnderWay = "E-BUDGET-012", "55000", 409,
        "it is still under way",
        "What a run or a reservation that has not ended uses is settled; adjust what was booked once it has.";
    BudgetPartition = "E-BUDGET-013", "55000", 409,
        "this is no month of the ledger that can be detached",
        "Name an attached partition such as budget_ledger_2026_01 whose month is over; `open` counts what was opened in it and has not ended.";
    BudgetUndecided = "E-BUDGET-014", "40001", 503,
        "whether there is room cannot be decided at this moment",
        "Others hold what there is, or it is being counted: send the same request again in a second.";

    ContractInvalid = "E-CONTRACT-001", "22023", 422,
        "the document is no contract that can be published here",
        "`violations` says what is wrong and where; docs/CONTRACTS.md describes the six kinds.";
    ContractUnknown = "E-CONTRACT-002", "42704", 404,
        "there is no such contract or revision in this project",
        "awooop.list_contracts() lists the contracts, awooop.contract_history(kind, name) the revisions of one.";
    ContractState = "E-CONTRACT-003", "55000", 409,
        "the revision is not in a state in which that can be done",
        "A draft is published, a published revision activated; what is superseded or revoked stays so: draft its document anew.";
    ContractNoKey = "E-CONTRACT-004", "55000", 503,
        "the platform has no key to sign contracts with",
        "Name a keyring in awooop.keyring_file and give it a current contract key; awooop.doctor() says what is missing.";
    ContractQuorum = "E-CONTRACT-005", "42501", 403,
        "the revision does not have enough signatures that count",
        "`counted` of `needed` hands have signed; awooop.verify_contract(revision_id) says of each signature why it does not count.";
    ContractAuthor = "E-CONTRACT-006", "42501", 403,
        "an author of the revision cannot sign it",
        "Let somebody sign who neither wrote nor edited it, nor was brought into being by who did.";
    ContractSigned = "E-CONTRACT-007", "42710", 409,
        "this hand has signed the revision already",
        "A signature counts once for all credentials of one person or service; another must sign.";
    ContractSignature = "E-CONTRACT-008", "42501", 409,
        "the revision's signature does not hold",
        "`reason`: bad or missing means that somebody changed the rows; unknown_key that the key is not in the keyring; retired_key \
         that it was rotated out: publish the revision again.";
    ContractRole = "E-CONTRACT-009", "42501", 403,
        "the caller has none of the roles whose signature counts",
        "`roles` are those the active policy names; awooop.grant_principal_role gives them.";
    ContractImmutable = "E-CONTRACT-010", "55000", 409,
        "what is published never changes",
        "Draft a further revision; nothing else changes or removes one.";
    ContractNeeds = "E-CONTRACT-011", "55000", 409,
        "a contract that the revision needs is not active",
        "Activate those under `missing` first.";
    ContractDigest = "E-CONTRACT-012", "55000", 409,
        "the document is not the one of that digest",
        "Look at the revision again: somebody edited it, or this is another.";
    ContractExport = "E-CONTRACT-013", "22023", 422,
        "the file is no exported contract, or its signature is wrong",
        "Import a file as awooop.export_contract returned it, unchanged.";
    ContractSealed = "E-CONTRACT-014", "42501", 409,
        "the active contract of the project says so, and only another contract can change it",
        "Draft, sign and activate a revision of the contract that `contract` names.";

    PrincipalUnknown = "E-PRINCIPAL-001", "42704", 404,
        "there is no such principal in this project",
        "awooop.list_principals() lists them.";
    PrincipalOwnRole = "E-PRINCIPAL-002", "42501", 403,
        "nobody gives a role to themselves, or to a principal that they brought into being",
        "Let another administrator of the project do it, or an operator.";

    PolicyRevoked = "E-POLICY-001", "55000", 409,
        "the project's policy was revoked, and no other is active",
        "Activate another revision of the policy contract named default.";

    OutputRefused = "E-SCHEMA-001", "22023", 422,
        "the last of three outputs does not match the schema; the run has failed",
        "`errors` says what was wrong with it; list_steps has all three. A run that has ended never changes; create a new one.";
    SchemaUnusable = "E-SCHEMA-002", "22023", 400,
        "the schema is none that can be used",
        "Write a JSON Schema of draft 2020-12 that refers to nothing outside itself; `pointer` and `expected` say what is wrong with it.";

    RunInput = "E-SCHEMA-003", "22023", 422,
        "the run's input does not match what its contract asks for",
        "`errors` says what is wrong and where; the run contract's input_schema says what is right.";
    RunResult = "E-SCHEMA-004", "22023", 422,
        "the run's result does not match what its contract asks for",
        "`errors` says what is wrong and where, `attempts_left` how many more results may be refused before the run fails.";

    RedactionCredential = "E-REDACT-001", "42501", 403,
        "credentials are redacted in every project",
        "Of the families, only `allowed` ones can be shown: email, phone, payment_card, national_id, ip, crypto_address.";
    RedactionShape = "E-REDACT-002", "22023", 400,
        "the shape of the rule is no regular expression that can be used",
        "Use the syntax of the Rust crate `regex` (no look-around, no back-references); it must not match the empty text.";
    RedactionTooMany = "E-REDACT-003", "53400", 409,
        "the project has as many redaction rules as it can have",
        "Remove a rule, or write several shapes as alternatives of one; `limit` says how many there can be.";
    RedactionUnknown = "E-REDACT-004", "42704", 404,
        "the project has no redaction rule of that id",
        "awooop.get_redaction() lists the project's rules.";
    RedactionTooLarge = "E-REDACT-005", "54000", 400,
        "the shape of the rule is too large",
        "Write at most 1,000 bytes and repeat less: a counted repetition is as large as what it repeats, written out.";
    RedactionExpensive = "E-REDACT-006", "54000", 400,
        "the shape of the rule takes too much work on ordinary texts",
        "Begin with something fixed, count repetitions up to smaller numbers, let no finding depend on what is far away \
         (`a.*b|a`), and write (?-u:\\b) for \\b where ASCII words will do.";
    RedactionWork = "E-REDACT-007", "54000", 409,
        "the project's redaction rules take too much work on this text, and nothing is shown in part",
        "Remove or simplify rules of the project (awooop.get_redaction() lists them), or redact shorter texts.";
    AppendOnly = "E-AUDIT-001", "55000", 409,
        "rows of this table are only ever appended",
        "Nothing changes or removes them; a correction is a new row.";
    AuditUnknown = "E-AUDIT-002", "42704", 404,
        "there is no such row in this project's sealed audit log",
        "A row is sealed by the next round of maintenance after its commit; awooop.list_audit shows all rows.";
    AuditSize = "E-AUDIT-003", "22023", 400,
        "the audit log has no tree of that size, or the leaf is not in it",
        "Name a size from 1 to `tree_size`, larger than the leaf's index.";
    AuditNoCheckpoint = "E-AUDIT-004", "42704", 404,
        "there is no such checkpoint of this project's audit log",
        "Checkpoints are signed when rows are sealed and awooop.keyring_file names a keyring; awooop.doctor() says what is missing.";
    AuditNotACheckpoint = "E-AUDIT-005", "22023", 400,
        "the text is not a checkpoint of this project's audit log",
        "Pass a checkpoint as awooop.audit_checkpoint() returned it, with its signature line.";
    AuditTorn = "E-AUDIT-006", "55000", 409,
        "the stored tree of the audit log has holes, or is not what was signed",
        "Somebody changed leaves, nodes or checkpoints; awooop.audit_verify() says where.";
    AuditPartition = "E-AUDIT-007", "42704", 404,
        "there is no such partition of the audit log",
        "Name a month's partition that is attached and over, such as audit_log_2026_01.";
    AuditUnsealed = "E-AUDIT-008", "55000", 409,
        "rows of the partition are not sealed under a signed checkpoint",
        "Let maintenance seal them: awooop.maintain(), with awooop.keyring_file naming a keyring. `rows` says how many there are.";
    AuditSealersOwn = "E-AUDIT-009", "42501", 403,
        "only awooop itself writes this table of the audit log's proof",
        "awooop.maintain() seals what waits; awooop.repair_audit_log() puts right what was damaged.";
    AuditBusy = "E-AUDIT-010", "55P03", 409,
        "transactions that use the audit log did not end in time",
        "Detaching waits two seconds for them; try again in a quiet moment.";
    AuditRepair = "E-AUDIT-011", "55000", 409,
        "the audit log cannot be repaired from its leaves",
        "`reason` says why: `leaf_index` is the first leaf that is missing, `tree_size` the checkpoint that differs. A restored \
         backup, compared with checkpoints that are held outside, is what is left.";

    InstallSuperuser = "E-INSTALL-001", "42501", 403,
        "only a superuser can migrate",
        "Run it as a superuser, in the database the extension is installed in.";
    InstallChanged = "E-INSTALL-002", "55000", 500,
        "a migration that has been applied differs from the one in this library",
        "Install the library version that matches the database, or one that is newer.";
    InstallRole = "E-INSTALL-003", "42501", 500,
        "a role that belongs to AwoooP exists with the wrong attributes",
        "Drop the role or correct it as DETAIL says, then try again.";
    InstallNotMigrated = "E-INSTALL-004", "55000", 503,
        "the database has not been migrated",
        "Run: select awooop.migrate();";

    InstallEncoding = "E-INSTALL-005", "55000", 500,
        "the database encoding is not UTF8",
        "Create the database with ENCODING 'UTF8'.";

    InstallSchema = "E-INSTALL-006", "42501", 500,
        "a schema named awooop exists and belongs to somebody else",
        "Rename or drop that schema, or make it yours: ALTER SCHEMA awooop OWNER TO CURRENT_USER;";

    HttpNotFound = "E-HTTP-001", "42704", 404,
        "there is nothing at this address",
        "GET /openapi.json lists every route.";
    HttpMethod = "E-HTTP-002", "0A000", 405,
        "this address does not take this method",
        "The Allow header names the methods it takes.";
    HttpMediaType = "E-HTTP-003", "22023", 415,
        "the body must be JSON",
        "Send Content-Type: application/json.";
    HttpTimeout = "E-HTTP-004", "57014", 504,
        "the request took too long and was stopped",
        "Try again; a write may be repeated safely with the same Idempotency-Key.";
    HttpBusy = "E-HTTP-005", "53300", 503,
        "the service is busy",
        "Wait as long as Retry-After says, then try again.";
    HttpDatabase = "E-HTTP-006", "08006", 503,
        "the database cannot be reached",
        "Try again soon; if it lasts, look at GET /readyz.";

    GateTenant = "E-MCP-GATE-001", "42501", 403,
        "gate 1: the project is unknown, suspended, or on its legacy path",
        "`reason` says which. An operator resumes it, or moves it to at least shadow with awooop.set_project_mode.";
    GateAgent = "E-MCP-GATE-002", "42501", 403,
        "gate 2: the agent is missing, unknown, disabled, or has no active contract",
        "`reason` says which. Name the agent whose call it is; its contract must be active, and the key must not be another agent's.";
    GateTool = "E-MCP-GATE-003", "42704", 404,
        "gate 3: the tool is unknown, disabled, or not the one that was reviewed",
        "`reason` says which. tools/list has what the agent may call; a tool that drifted needs a new revision of its contract.";
    GateGrant = "E-MCP-GATE-004", "42501", 403,
        "gate 3: the agent may not call this tool, or not as things stand",
        "`reason` says why: no grant, not in the agent's contract, or a call that changes something where nothing may be changed.";
    GateArguments = "E-MCP-GATE-005", "22023", 422,
        "gate 3: the arguments do not match what the tool, or the grant, takes",
        "Correct them: `errors` names each place, what was expected there and what is there.";
    GateBudget = "E-MCP-GATE-006", "53400", 402,
        "gate 4: there is no budget for the call",
        "`cause` is the budget's own code and `level` names the limit. Do without the call, or wait for `resets_at`.";
    GateRate = "E-MCP-GATE-007", "53400", 429,
        "gate 4: too many calls",
        "`rate` names the limit; wait for `retry_after_seconds`. Calls that are refused count against a limit of their own.";
    GateApproval = "E-MCP-GATE-008", "42501", 403,
        "gate 5: the call needs an approval that it does not have",
        "`reason` says why: nobody has approved it, it was used, or it was for another call. Ask for it with the same arguments.";
    GateCredential = "E-MCP-GATE-009", "55000", 503,
        "gate 5: the tool's credential cannot be had",
        "Its owner puts the secret where the reference says, in a namespace that the project may use. Nothing was sent.";

    McpServerUnknown = "E-MCP-001", "42704", 404,
        "there is no such MCP server in this project",
        "awooop.mcp_list_servers shows them; awooop.mcp_register_server makes one known.";
    McpServerName = "E-MCP-002", "22023", 400,
        "this cannot be the name of an MCP server",
        "Use letters, digits, '-' and single '_', at most 24 in all, beginning and ending with no '_'.";
    McpAddress = "E-MCP-003", "22023", 400,
        "this cannot be the address of an MCP server",
        "`expected` says what can: an http or https URL without user, password or fragment, or the name of a local server.";
    McpDefinition = "E-MCP-004", "22023", 422,
        "this is no list of an MCP server's tools",
        "Send what the server answers to tools/list: a list of objects with a name and an inputSchema; or an object with that list as `tools` and the server's `capabilities`.";
    McpNameTaken = "E-MCP-005", "23505", 409,
        "two tools of the server would be seen under one name",
        "`name` is that name. Have one of them renamed; nothing of the list was taken.";
    McpToolUnknown = "E-MCP-006", "42704", 404,
        "there is no such tool in this project",
        "awooop.mcp_import_tools makes the tools of a server known.";
    McpGrantUnknown = "E-MCP-007", "42704", 404,
        "there is no such grant in this project",
        "awooop.mcp_list_grants shows them.";
    McpConstraint = "E-MCP-008", "22023", 422,
        "this is no JSON Schema that can narrow a tool's arguments",
        "`expected` says what one is: JSON Schema 2020-12 of type object, whose references stay inside it, within the limits of awooop.json_schema_errors.";
    McpCallUnknown = "E-MCP-009", "42704", 404,
        "there is no such call in this project",
        "awooop.mcp_begin_call returns the call's id; only who may see its run may look at it.";
    McpCallEnded = "E-MCP-010", "55000", 409,
        "the call has ended",
        "`outcome` says how. Another call is begun with awooop.mcp_begin_call.";
    McpState = "E-MCP-011", "22023", 422,
        "this is no request state of this call",
        "Send the `requestState` of the answer before, unchanged, with the same tool and arguments, by the same caller.";
    McpCallKey = "E-MCP-012", "22023", 422,
        "the key was used before with a different call",
        "Use a new key for a new call, or send the first call again unchanged.";
    McpGuarded = "E-MCP-013", "55000", 409,
        "what was decided about a call, and how it ended, is never changed",
        "Calls go with the retention of their runs.";
    McpResult = "E-MCP-014", "55000", 502,
        "the tool's server gave a result that is not what the tool's contract promises",
        "The call was made. Nothing of the result is shown; the server, or the contract, has to be corrected.";
    McpTimedOut = "E-MCP-015", "57014", 504,
        "the tool's server did not answer in time",
        "Whether the call had its effect nobody knows. Look before you call again.";
    McpCancelled = "E-MCP-016", "57014", 499,
        "the call was cancelled",
        "Whether it had its effect nobody knows. Look before you call again.";
    McpUnreachable = "E-MCP-017", "08006", 503,
        "the tool's server cannot be reached; nothing was sent",
        "Try again later, or do without the tool.";
    McpUpstream = "E-MCP-018", "58000", 502,
        "the tool's server answered with an error",
        "Try again with other arguments, or do without the tool.";
    McpCut = "E-MCP-019", "54000", 413,
        "the call succeeded; its result is too long to be shown whole",
        "Ask for less: fewer rows, one page, one field. It need not be called again to have its effect.";
    McpTicket = "E-MCP-020", "42501", 409,
        "the call was not begun by whoever says this of it",
        "Send the `ticket` that came with `allowed`. One that was begun again has another.";
    McpSuspended = "E-MCP-021", "54000", 409,
        "the server has asked something back too often",
        "End the call with mcp_finish_call; a server that never stops asking gives no result.";
    McpMayNotAsk = "E-MCP-022", "42501", 403,
        "the tool's contract does not let its server ask that",
        "`kind` says what it asked. End the call as failed; a contract whose `may_ask` names the kind lets it ask.";
    McpMessage = "E-MCP-023", "22023", 422,
        "this is nothing that a server says while a call is under way",
        "`expected` says what is. End the call as failed, or go on without what the server said.";
    McpRelayed = "E-MCP-024", "54000", 429,
        "the server has said too much in this call",
        "Go on without what else it reports; the call's result is not touched by that.";
    McpSession = "E-MCP-030", "42704", 404,
        "there is no such session of this caller",
        "Begin another with `initialize`. A session ends after a while without requests, and with the gateway.";

    TokenMalformed = "E-TOKEN-001", "28000", 403,
        "this is no approval token",
        "Send the token as awooop.issue_approval or awooop.request_approval returned it: three parts of base64url, with two dots.";
    TokenAlgorithm = "E-TOKEN-002", "28000", 403,
        "the token names another algorithm than HS256",
        "Send the token as it was issued.";
    TokenKeyUnknown = "E-TOKEN-003", "28000", 403,
        "the token names no approval key of this installation",
        "Send a token that this installation issued.";
    TokenKeyRetired = "E-TOKEN-004", "28000", 403,
        "the token was signed with a key that has been rotated out",
        "Ask awooop.request_approval for it again: what was approved is signed with the current key.";
    TokenCritical = "E-TOKEN-005", "28000", 403,
        "the token's header has `crit`",
        "Send the token as it was issued.";
    TokenKeyInHeader = "E-TOKEN-006", "28000", 403,
        "the token's header brings a key, or says where to get one",
        "Send the token as it was issued.";
    TokenHeader = "E-TOKEN-007", "28000", 403,
        "the token's header says something that no token of this platform does",
        "Send the token as it was issued.";
    TokenSignature = "E-TOKEN-008", "28000", 403,
        "the token's signature is not this platform's",
        "Send the token as it was issued; a token that was made with another key, such as an API key's, is none.";
    TokenClaims = "E-TOKEN-009", "28000", 403,
        "the token lacks a claim, has one of another type, or one that is not known",
        "Send a token that this platform issued for approvals.";
    TokenTime = "E-TOKEN-010", "28000", 403,
        "a time of the token is not a whole number",
        "`claim` says which. Send a token that this platform issued.";
    TokenIssuer = "E-TOKEN-011", "28000", 403,
        "the token was issued by another installation",
        "Send a token that this installation issued.";
    TokenAudience = "E-TOKEN-012", "28000", 403,
        "the token is for another audience",
        "Send a token that was issued for calls of tools.";
    TokenExpired = "E-TOKEN-013", "28000", 403,
        "the token has expired",
        "Ask for approval again; the policy's `approvals.token_seconds` says how long a token is good.";
    TokenNotYet = "E-TOKEN-014", "28000", 403,
        "the token is not valid yet",
        "Wait, and look at the clocks: five seconds are allowed for.";
    TokenProject = "E-TOKEN-015", "28000", 403,
        "the token is of another project",
        "Use it in the project that it was issued for.";
    TokenRun = "E-TOKEN-016", "28000", 403,
        "the token is of another run",
        "Use it in the run whose call was approved.";
    TokenTool = "E-TOKEN-017", "28000", 403,
        "the token is for another tool",
        "Call the tool that was approved.";
    TokenArguments = "E-TOKEN-018", "28000", 403,
        "the token is for other arguments",
        "Call the tool with the arguments that were approved, each as it was; the order of keys does not matter.";
    TokenReplayed = "E-TOKEN-019", "28000", 403,
        "the token has been used",
        "A token is good for one call. Whether that call had its effect, awooop.approval_status says.";
    TokenUnknown = "E-TOKEN-020", "28000", 403,
        "nobody approved what the token is for, or it was taken back",
        "awooop.approval_status says where the request stands.";

    TokenStep = "E-TOKEN-021", "28000", 403,
        "the token is for another step of the run",
        "Record the step whose call was approved; another call is asked about under its own step key.";

    ChannelUnknown = "E-CHANNEL-001", "42704", 404,
        "the project has no active contract of a channel of this name",
        "awooop.list_contracts shows which channels there are; publish and activate a contract of kind channel.";
    ChannelIn = "E-CHANNEL-002", "55000", 409,
        "the channel takes no events in",
        "Its contract needs inbound and a listener.";
    ChannelOut = "E-CHANNEL-003", "55000", 409,
        "the channel sends no messages",
        "Its contract needs outbound.";
    ChannelSecret = "E-CHANNEL-004", "42501", 403,
        "the credential is of another channel",
        "A channel's secret brings events of that channel alone; leave `channel` out, or use a key that is bound to none.";
    MessageUnknown = "E-CHANNEL-005", "42704", 404,
        "there is no such message",
        "awooop.list_messages shows those of the project.";
    MessageLease = "E-CHANNEL-006", "42501", 403,
        "the lease of the message is not valid any more",
        "Stop sending it: another sender has it, or it has ended. Claim messages again.";
    MessageState = "E-CHANNEL-007", "55000", 409,
        "the message is not in a state in which this can be done",
        "`state` says in which one it is.";
    MessageEmpty = "E-CHANNEL-008", "22023", 400,
        "there is nothing to send",
        "Send a text with more than white space in it.";
    MessageKey = "E-CHANNEL-009", "23505", 409,
        "the idempotency key was used for another message",
        "Use a new key for another message; repeat a request unchanged.";
    MessageGuarded = "E-CHANNEL-010", "42501", 403,
        "what was said is not changed afterwards, and goes when its time is over",
        "Queue a new message; awooop.redrive_message sends one again that could not be sent.";
    ChannelTimestamp = "E-CHANNEL-011", "28000", 401,
        "the signed event was sent too long ago, or in the future",
        "Sign and send it again with the time that it is; `webhook-timestamp` may be at most 300 seconds off.";

    SessionNone = "E-SESSION-001", "55000", 409,
        "the run came of no conversation in a channel",
        "Name the channel and the chat instead.";
    SessionVersion = "E-SESSION-002", "55000", 409,
        "somebody else has changed the session meanwhile",
        "Read it again (`version` is the one it has now), and change that.";
    SessionLegacy = "E-SESSION-003", "55000", 409,
        "the keys without a project are another project's",
        "One project alone can have them: awooop.set_legacy_owner(project_id, owns => false) gives them back.";
    AnomalyUnknown = "E-ANOMALY-001", "42704", 404,
        "the policy has no counter of this name",
        "Counters are named under `anomalies` in the policy contract.";
    ShadowOutcome = "E-SHADOW-001", "23505", 409,
        "the legacy path has reported another outcome of this message before",
        "Use one message_key for one message.";
    TenantPromotion = "E-TENANT-009", "42501", 409,
        "the project has not shown what its policy asks for before this mode",
        "`reason`, `needed` and `shown` say what is missing; awooop.shadow_report shows how it stands.";

    SystemRetry = "E-SYS-001", "40001", 503,
        "the transaction met another one and was rolled back",
        "Send the same request again.";
    SystemInternal = "E-SYS-002", "58000", 500,
        "something went wrong inside; nothing was changed",
        "Report it with the request id; the server's log has the cause.";
}

impl ErrorCode {
    /// The code whose text form this is.
    pub fn parse(code: &str) -> Option<ErrorCode> {
        Self::ALL.iter().copied().find(|c| c.entry().code == code)
    }
}

/// docs/ERRORS.md, made from the table.
pub fn documentation() -> String {
    let mut page = String::from(
        "# Errors\n\nMade from `pg_awooop/policy/src/error.rs` by `cargo xtask docs`; `select * from awooop.error_catalog` \
         shows the same.\n\nA SQL fault carries the code at the start of MESSAGE, one JSON object in DETAIL and what to do \
         in HINT. Over HTTP the same is a problem document (RFC 9457). A refusal (authentication, scope, lease, …) is \
         never raised: SQL callers get the problem document as the result, and it is audited.\n\n\
         | code | SQLSTATE | HTTP | what is wrong | what to do |\n|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let e = code.entry();
        page.push_str(&format!("| `{}` | {} | {} | {} | {} |\n", e.code, e.sqlstate, e.status, e.message, e.hint));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            let e = code.entry();
            assert!(seen.insert(e.code), "{} stands twice", e.code);
            assert_eq!(ErrorCode::parse(e.code), Some(*code));
            let parts: Vec<_> = e.code.split('-').collect();
            assert!(parts[0] == "E" && parts.last().is_some_and(|n| n.len() == 3), "{}", e.code);
            assert!((400..600).contains(&e.status), "{}", e.code);
            assert_eq!(e.sqlstate.len(), 5, "{}", e.code);
            assert!(!e.hint.is_empty() && !e.message.is_empty());
        }
    }
}
