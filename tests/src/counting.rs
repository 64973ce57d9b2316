//! A global allocator that counts the bytes in use in the program, and the allocations of the running thread.

#![allow(unsafe_code)] // `GlobalAlloc` is an unsafe trait.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator with counters.
#[derive(Debug)]
pub struct CountingAllocator;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static KEPT: Cell<isize> = const { Cell::new(0) };
}

/// Returns the number of allocated bytes that the program has not freed.
#[must_use]
pub fn bytes_in_use() -> usize {
    IN_USE.load(Ordering::SeqCst)
}

/// Returns the number of this thread's allocations and reallocations.
#[must_use]
pub fn allocations() -> usize {
    ALLOCATIONS.get()
}

/// Returns the number of bytes in all allocations and reallocations of this thread.
#[must_use]
pub fn allocated_bytes() -> usize {
    BYTES.get()
}

/// Returns the number of bytes that this thread has allocated, less those that it has freed.
#[must_use]
pub fn kept_bytes() -> isize {
    KEPT.get()
}

fn count(bytes: usize) {
    IN_USE.fetch_add(bytes, Ordering::Relaxed);
    // A thread that is ending has no thread-locals; its allocations are not counted.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    let _ = BYTES.try_with(|count| count.set(count.get() + bytes));
    let _ = KEPT.try_with(|kept| kept.set(kept.get().wrapping_add_unsigned(bytes)));
}

fn count_free(bytes: usize) {
    IN_USE.fetch_sub(bytes, Ordering::Relaxed);
    let _ = KEPT.try_with(|kept| kept.set(kept.get().wrapping_sub_unsigned(bytes)));
}

// SAFETY: each method forwards to `System`; the counters neither allocate nor panic.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count_free(layout.size());
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        count_free(layout.size());
        // SAFETY: the caller upholds the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
