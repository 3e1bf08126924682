internal import Glibc

/// Calls `body` with a NULL-terminated array of C strings, as exec(3) takes them.
func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for (position, text) in texts.enumerated() { pointers[position] = strdup(text) }
    pointers[texts.count] = nil
    defer {
        for position in texts.indices { free(pointers[position]) }
        pointers.deallocate()
    }
    return body(pointers)
}
