internal import Glibc
internal import SystemPackage

/// Runs a system call that answers with a negative number on failure, again when a signal interrupts it.
@discardableResult
func succeeding<Number: FixedWidthInteger & SignedInteger>(_ call: () -> Number) throws(Errno) -> Number {
    while true {
        let result = call()
        if result >= 0 { return result }
        let failure = Errno(rawValue: errno)
        if failure != .interrupted { throw failure }
    }
}
