//! How much searching is allowed.

/// How many steps a search may take before the verdict is unknown. A step looks at one operation in
/// one state, takes well under a microsecond, and remembers at most about 400 bytes; a state that is
/// larger costs more steps, one for each eight words of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps, all searches of one judgement together.
    pub steps: u64,
}

/// So many words of a state cost one step.
const STEP_WORDS: usize = 8;

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 1_000_000 }
    }
}

/// The search took more steps than its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfBudget;

impl Budget {
    /// Takes off what a state of so many words of 64 bits costs beside its step, before it is made.
    pub(super) fn store(&mut self, words: usize) -> Result<(), OutOfBudget> {
        let steps = (words / STEP_WORDS) as u64;
        self.steps = self.steps.checked_sub(steps).ok_or(OutOfBudget)?;
        Ok(())
    }

    /// Takes one step off.
    pub(super) fn step(&mut self) -> Result<(), OutOfBudget> {
        self.steps = self.steps.checked_sub(1).ok_or(OutOfBudget)?;
        Ok(())
    }
}
