internal import Foundation

/// Looks every few milliseconds whether `condition` holds, for at most `seconds`, and returns whether it came to hold.
public func waitUntil(seconds: Double = 10, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while try !condition() {
        if Date() > deadline { return false }
        usleep(5000)
    }
    return true
}
