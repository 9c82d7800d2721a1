//! The allocator of the served program: it gives memory back, which glibc's keeps (docs/decisions/0009).

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h, the same in its versions 2 and 3; the crate leaves it unnamed.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// From now on, freed memory goes back to the system at once. By default it goes with a later allocation, and an idle server makes none.
pub fn purge_at_once() {
    // SAFETY: sets an integer in mimalloc's table of options, which it reads atomically; any number of milliseconds is valid.
    #[expect(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
}
