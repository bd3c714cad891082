//! What only the subject can say, and which tests take its word for it.
//!
//! A submission that breaks out of safe Rust can send any frame. It gains nothing where the judge, the kernel or a peer knows what must
//! come back. It can pass where the judge reads what the harness inside the subject saw: then the verdict is *self-reported*.
//! Such a value travels as [`SelfReported`], which notes that it is read, so that a report says what a verdict rests on and nobody
//! has to remember it.

use crate::subject::shared_accounts;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::SeqCst;
use wire::status::Account;

/// What a [`SelfReported`] value is an account of.
pub trait About {
    /// Which.
    const ACCOUNT: Account;
}

macro_rules! about {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl About for $name {
            const ACCOUNT: Account = Account::$name;
        }
    )+};
}

about! {
    /// Events of the ledger.
    Events
    /// What a call left behind.
    Leftovers
    /// What the body of a subject saw, counted or compared.
    Observations
    /// Outcomes of model runs.
    Schedules
}

/// A value that only the subject can vouch for. Using it marks the test as self-reported; carrying it around doesn't.
///
/// In the subject, reading it marks every test that runs this body: [`map`](Self::map) what the judge is to read instead.
pub struct SelfReported<T, A = Observations> {
    value: T,
    about: PhantomData<A>,
}

/// What the body of a subject saw, counted or compared, as opposed to what the learner's function returned.
pub fn observed<T>(value: T) -> SelfReported<T> {
    SelfReported::new(value)
}

impl<T, A> SelfReported<T, A> {
    /// Marks a value as the subject's own account.
    pub const fn new(value: T) -> Self {
        Self {
            value,
            about: PhantomData,
        }
    }

    /// A part of the value, or something computed from it: as much the subject's account as the whole.
    pub fn map<U>(self, part: impl FnOnce(T) -> U) -> SelfReported<U, A> {
        SelfReported::new(part(self.value))
    }
}

impl<T, A: About> SelfReported<T, A> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        note(A::ACCOUNT);
        self.value
    }
}

impl<T, A: About> Deref for SelfReported<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        note(A::ACCOUNT);
        &self.value
    }
}

impl<T, A: About> DerefMut for SelfReported<T, A> {
    fn deref_mut(&mut self) -> &mut T {
        note(A::ACCOUNT);
        &mut self.value
    }
}

impl<T: PartialEq, A: About> PartialEq for SelfReported<T, A> {
    fn eq(&self, other: &Self) -> bool {
        note(A::ACCOUNT);
        self.value == other.value
    }
}

impl<T: PartialEq, A: About> PartialEq<T> for SelfReported<T, A> {
    fn eq(&self, other: &T) -> bool {
        note(A::ACCOUNT);
        self.value == *other
    }
}

impl<T: Clone, A> Clone for SelfReported<T, A> {
    fn clone(&self) -> Self {
        Self::new(self.value.clone())
    }
}

impl<T: Default, A> Default for SelfReported<T, A> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug, A> fmt::Debug for SelfReported<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display, A> fmt::Display for SelfReported<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Serialize, A> Serialize for SelfReported<T, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, A> Deserialize<'de> for SelfReported<T, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

thread_local! {
    /// What the test on this thread has relied on so far, a bit for each.
    static RELIED_ON: Cell<u32> = const { Cell::new(0) };
}

/// The verdict relies on this account. In a subject, and in what it forks, the judge is told.
pub(crate) fn note(account: Account) {
    let bit = 1 << account as u32;
    match shared_accounts() {
        Some(shared) => {
            shared.fetch_or(bit, SeqCst);
        }
        None => RELIED_ON.set(RELIED_ON.get() | bit),
    }
}

/// In the judge: what the test on this thread has relied on; begins anew.
pub(crate) fn take() -> Vec<Account> {
    of_bits(RELIED_ON.take())
}

/// In a subject: what its processes have noted so far.
pub(crate) fn noted() -> Vec<Account> {
    of_bits(shared_accounts().map_or(0, |shared| shared.load(SeqCst)))
}

fn of_bits(bits: u32) -> Vec<Account> {
    let is_set = |account: &Account| bits & 1 << *account as u32 != 0;
    Account::ALL.into_iter().filter(is_set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_noted_and_carrying_is_not() {
        let count: SelfReported<Vec<u64>, Events> = SelfReported::new(vec![1, 2]);
        let carried = count.clone().map(|all| all.len());
        let text = serde_json::to_string(&carried).expect("plain data");
        assert_eq!((text.as_str(), format!("{carried}").as_str()), ("2", "2"));
        assert_eq!(take(), []);
        assert_eq!(carried, 2);
        assert_eq!(observed(3).into_inner(), 3);
        assert_eq!(take(), [Account::Events, Account::Observations]);
        assert_eq!(count.len(), 2);
        assert_eq!(take(), [Account::Events]);
        assert_eq!(take(), []);
    }
}
