//! An allocator that counts: what is alive in the whole program, and how often the running thread asked for memory.

#![allow(unsafe_code)] // An allocator cannot be written without.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, and a count.
#[derive(Debug)]
pub struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The bytes that the program holds.
#[must_use]
pub fn live() -> usize {
    LIVE.load(Ordering::SeqCst)
}

/// How often this thread asked for memory, or for more.
#[must_use]
pub fn asked() -> usize {
    ASKED.get()
}

/// How many bytes this thread asked for, all in all.
#[must_use]
pub fn asked_bytes() -> usize {
    BYTES.get()
}

fn ask(bytes: usize) {
    LIVE.fetch_add(bytes, Ordering::Relaxed);
    // A thread that is being torn down is not measured.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
    let _ = BYTES.try_with(|asked| asked.set(asked.get() + bytes));
}

// SAFETY: all is the system's doing; the counters neither allocate nor panic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ask(layout.size());
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ask(size);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}
