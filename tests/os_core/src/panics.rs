//! Where a panic happened: a payload has no place, only the panic hook is told.

use std::any::Any;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From here on remembers, for each thread, its last panic; then does what the present hook does.
pub(crate) fn remember() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let message = info.payload_as_str().unwrap_or("a panic without a message");
            let text = match info.location() {
                Some(place) => format!("panicked at {}:{}: {message}", place.file(), place.line()),
                None => format!("panicked: {message}"),
            };
            let _ = LAST.try_with(|last| *last.borrow_mut() = Some(text));
            #[cfg(feature = "model")]
            crate::model::run::begin_unwinding();
            hook(info);
        }));
    });
}

/// Describes the panic that this thread has just caught: `panicked at src/lib.rs:12: message`.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = LAST.with_borrow_mut(Option::take) {
        return text;
    }
    // Raised by `resume_unwind`, which calls no hook, or in spite of a hook that somebody set later.
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    format!("panicked: {message}")
}
