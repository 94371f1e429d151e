//! How much searching is allowed.

/// How many steps a search may take before the verdict is unknown. A step looks at one operation in
/// one state, takes well under a microsecond, and remembers at most about 200 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps, all searches of one judgement together.
    pub steps: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 1_000_000 }
    }
}

/// The search took more steps than its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfBudget;

impl Budget {
    /// Takes one step off.
    pub(super) fn step(&mut self) -> Result<(), OutOfBudget> {
        self.steps = self.steps.checked_sub(1).ok_or(OutOfBudget)?;
        Ok(())
    }
}
