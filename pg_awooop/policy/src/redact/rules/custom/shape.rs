//! A regular expression, and a search for it that counts what it does.
//!
//! The search is a lazy DFA's: forwards to where a match ends, backwards to where it begins. A step that the DFA knows
//! costs one unit; one that it has to work out costs by the size of the expression, which is where shapes that look small
//! are dear: `(?:[a-e][a-j]{1,200}){2}[0-9A-Z]` needs a new state for almost every character. Where the DFA can't go on (`\b`
//! beside a letter that is not ASCII), a simulation of the NFA takes over for the window.

use std::ops::Range;
use std::sync::Mutex;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures, pikevm};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::{CustomRuleError, Watch};

/// The longest pattern, in bytes.
const LONGEST_PATTERN: usize = 1_000;
/// A compiled pattern may take this much memory; read backwards, where letters of many bytes share less, more.
const MOST_MEMORY: usize = 1 << 20;
const MOST_MEMORY_BACKWARDS: usize = 4 << 20;
/// What a DFA keeps of the states it has worked out; a large pattern needs more, and gets it.
const KEPT_STATES: usize = 256 << 10;
/// A step that has to be worked out costs this, and one more for so many states of the NFA.
const LEAST_STEP: u64 = 16;
const STATES_A_UNIT: u64 = 1;
/// The same for a byte that is simulated, where few of the states are alive at a time.
const SIMULATED_STATES_A_UNIT: u64 = 16;
/// So many bytes does one unit of work search for a fixed beginning.
const PREFIX_BYTES: u64 = 8;
/// A new state that is reached from one that matches: whether steps from there are known is not to be seen, so it is paid
/// in advance.
const STEPS_IN_ADVANCE: u64 = 4;

#[derive(Debug)]
pub(super) struct Shape {
    /// What every match begins with, where that is something fixed.
    prefix: Option<Prefilter>,
    forwards: DFA,
    backwards: DFA,
    simulation: pikevm::PikeVM,
    /// What a step costs that has to be worked out.
    step: u64,
    /// What a byte costs that is simulated.
    simulated: u64,
    /// From the last search: states that have been worked out serve the next text.
    kept: Mutex<Option<Caches>>,
}

#[derive(Debug)]
struct Caches {
    forwards: Cache,
    backwards: Cache,
    simulation: Option<pikevm::Cache>,
}

/// Why a search stopped short.
enum Short {
    /// The DFA can't tell here.
    CannotTell,
    /// The watch has nothing left.
    Exhausted,
}

impl Shape {
    pub(super) fn new(pattern: &str) -> Result<Self, CustomRuleError> {
        if pattern.len() > LONGEST_PATTERN {
            return Err(CustomRuleError::TooLarge);
        }
        let parsed = syntax::parse(pattern).map_err(|_| CustomRuleError::Shape)?;
        let prefix = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &parsed);
        // Nothing but its size keeps from being compiled what has been parsed.
        let compile = |config: thompson::Config| {
            let nfa = thompson::Compiler::new().configure(config).build(pattern);
            nfa.map_err(|_| CustomRuleError::TooLarge)
        };
        // With captures, which say where a match begins: the simulation needs them, the DFA does not mind.
        let nfa =
            compile(thompson::Config::new().nfa_size_limit(Some(MOST_MEMORY)).which_captures(WhichCaptures::Implicit))?;
        let mirrored = compile(
            thompson::Config::new()
                .nfa_size_limit(Some(MOST_MEMORY_BACKWARDS))
                .which_captures(WhichCaptures::None)
                .reverse(true),
        )?;
        let lazy = |kind, nfa| {
            let config = Config::new().match_kind(kind).unicode_word_boundary(true);
            let config = config.cache_capacity(KEPT_STATES).skip_cache_capacity_check(true);
            DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| CustomRuleError::TooLarge)
        };
        let forwards = lazy(MatchKind::LeftmostFirst, nfa.clone())?;
        let backwards = lazy(MatchKind::All, mirrored)?;
        let simulation = pikevm::PikeVM::new_from_nfa(nfa).map_err(|_| CustomRuleError::TooLarge)?;
        let states = forwards.get_nfa().states().len() as u64;
        let (step, simulated) = (LEAST_STEP + states / STATES_A_UNIT, LEAST_STEP + states / SIMULATED_STATES_A_UNIT);
        let shape = Shape { prefix, forwards, backwards, simulation, step, simulated, kept: Mutex::new(None) };
        if shape.search(&Watch::unlimited()).find("", 0..0).is_some() {
            return Err(CustomRuleError::MatchesNothing);
        }
        Ok(shape)
    }

    pub(super) fn search<'s>(&'s self, watch: &'s Watch<'s>) -> Search<'s> {
        let kept = self.kept.lock().ok().and_then(|mut kept| kept.take());
        let caches = kept.unwrap_or_else(|| Caches {
            forwards: self.forwards.create_cache(),
            backwards: self.backwards.create_cache(),
            simulation: None,
        });
        Search { shape: self, caches: Some(caches), watch }
    }
}

/// A search of one text. What it has worked out goes back to the shape at its end.
pub(super) struct Search<'s> {
    shape: &'s Shape,
    caches: Option<Caches>,
    watch: &'s Watch<'s>,
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        // What a panic interrupted is not kept.
        if let (Ok(mut kept), false) = (self.shape.kept.lock(), std::thread::panicking()) {
            *kept = self.caches.take();
        }
    }
}

impl Search<'_> {
    /// Whether there is so much left, which is spent.
    pub(super) fn goes_on_with(&self, work: u64) -> bool {
        self.watch.spend(work)
    }

    /// The first match in `span`, whose surroundings count for look-around; none where the watch has nothing left.
    pub(super) fn find(&mut self, text: &str, mut span: Range<usize>) -> Option<Range<usize>> {
        if let Some(prefix) = &self.shape.prefix {
            let first = prefix.find(text.as_bytes(), span.clone().into()).map_or(span.end, |prefix| prefix.start);
            if !self.watch.spend((first - span.start) as u64 / PREFIX_BYTES) || first == span.end {
                return None;
            }
            span.start = first;
        }
        let caches = self.caches.as_mut()?;
        let input = Input::new(text).span(span.clone());
        let mut walk = Walk { dfa: &self.shape.forwards, step: self.shape.step, watch: self.watch, read: 0 };
        let found = walk.end_of_match(&mut caches.forwards, &input).and_then(|end| {
            let Some(end) = end else { return Ok(None) };
            let input = Input::new(text).span(span.start..end).anchored(Anchored::Yes);
            walk.dfa = &self.shape.backwards;
            Ok(walk.beginning_of_match(&mut caches.backwards, &input)?.map(|start| start..end))
        });
        let fits = self.watch.spend(walk.read);
        match found {
            Ok(found) => found.filter(|_| fits),
            Err(Short::Exhausted) => None,
            Err(Short::CannotTell) => {
                if !self.watch.spend(span.len() as u64 * self.shape.simulated) {
                    return None;
                }
                let cache = caches.simulation.get_or_insert_with(|| self.shape.simulation.create_cache());
                let mut slots = [None; 2];
                self.shape.simulation.search_slots(cache, &input, &mut slots)?;
                Some(slots[0]?.get()..slots[1]?.get())
            }
        }
    }
}

/// A DFA's way through a text. The loops are those of `regex_automata::hybrid`, which count nothing.
struct Walk<'s> {
    dfa: &'s DFA,
    step: u64,
    watch: &'s Watch<'s>,
    /// Steps that were known; those that were not are spent at once.
    read: u64,
}

impl Walk<'_> {
    /// Where the first match ends.
    fn end_of_match(&mut self, cache: &mut Cache, input: &Input) -> Result<Option<usize>, Short> {
        let (text, span) = (input.haystack(), input.get_span());
        let mut state = self.dfa.start_state_forward(cache, input).map_err(|_| Short::CannotTell)?;
        let mut last = None;
        for at in span.range() {
            state = self.next(cache, state, text[at])?;
            if state.is_tagged() {
                if state.is_match() {
                    // A state tells of a match one byte late.
                    last = Some(at);
                } else if state.is_dead() {
                    return Ok(last);
                } else {
                    return Err(Short::CannotTell);
                }
            }
        }
        state = self.behind(cache, state, text.get(span.end))?;
        Ok(if state.is_match() { Some(span.end) } else { last })
    }

    /// Where the match that ends with `input` begins.
    fn beginning_of_match(&mut self, cache: &mut Cache, input: &Input) -> Result<Option<usize>, Short> {
        let (text, span) = (input.haystack(), input.get_span());
        let mut state = self.dfa.start_state_reverse(cache, input).map_err(|_| Short::CannotTell)?;
        let mut last = None;
        for at in span.range().rev() {
            state = self.next(cache, state, text[at])?;
            if state.is_tagged() {
                if state.is_match() {
                    last = Some(at + 1);
                } else if state.is_dead() {
                    return Ok(last);
                } else {
                    return Err(Short::CannotTell);
                }
            }
        }
        let before = span.start.checked_sub(1).map(|at| &text[at]);
        state = self.behind(cache, state, before)?;
        Ok(if state.is_match() { Some(span.start) } else { last })
    }

    /// The step out of the span: by the byte that stands there, or by the end of the text.
    fn behind(&mut self, cache: &mut Cache, state: LazyStateID, byte: Option<&u8>) -> Result<LazyStateID, Short> {
        let state = match byte {
            Some(byte) => self.next(cache, state, *byte)?,
            None => self.dfa.next_eoi_state(cache, state).map_err(|_| Short::CannotTell)?,
        };
        if state.is_quit() { Err(Short::CannotTell) } else { Ok(state) }
    }

    #[inline]
    fn next(&mut self, cache: &mut Cache, state: LazyStateID, byte: u8) -> Result<LazyStateID, Short> {
        self.read += 1;
        if !state.is_tagged() {
            let next = self.dfa.next_state_untagged(cache, state, byte);
            if !next.is_unknown() {
                return Ok(next);
            }
            self.work_out(self.step)?;
            return self.dfa.next_state(cache, state, byte).map_err(|_| Short::CannotTell);
        }
        let before = (cache.memory_usage(), cache.clear_count());
        let next = self.dfa.next_state(cache, state, byte).map_err(|_| Short::CannotTell)?;
        if before != (cache.memory_usage(), cache.clear_count()) {
            self.work_out(self.step * STEPS_IN_ADVANCE)?;
        }
        Ok(next)
    }

    #[cold]
    fn work_out(&self, work: u64) -> Result<(), Short> {
        if self.watch.spend(work) { Ok(()) } else { Err(Short::Exhausted) }
    }
}
