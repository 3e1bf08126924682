/// Makes bad calls of plugins from good ones: the same number makes the same call in every run.
struct BadInputGenerator {
    /// How a plugin is called.
    struct Call {
        var variables: [String: [UInt8]]
        var input: [UInt8]

        var entries: [[UInt8]] { variables.map { Array("\($0.key)=".utf8) + $0.value } }
        var command: String { String(decoding: variables["CNI_COMMAND"] ?? [], as: UTF8.self) }
    }

    /// The numbers of one call (SplitMix64).
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    /// A valid configuration, as text.
    let configuration: String
    /// The variables of a valid call.
    let variables: [String: String]

    /// The bad call of that number.
    func call(_ number: Int) -> Call {
        var numbers = Numbers(state: UInt64(truncatingIfNeeded: number) &* 0xD6E8_FEB8_6659_FD93)
        let command = ["ADD", "ADD", "CHECK", "DEL", "STATUS", "GC"].randomElement(using: &numbers) ?? "ADD"
        var call = Call(variables: variables.mapValues { Array($0.utf8) }, input: Array(configuration.utf8))
        call.variables["CNI_COMMAND"] = Array(command.utf8)
        if number % 4 == 0 { changeEnvironment(&call, &numbers) } else { changeInput(&call, &numbers) }
        return call
    }

    private func changeEnvironment(_ call: inout Call, _ numbers: inout Numbers) {
        let names = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_COMMAND", "CNI_ARGS"]
        let name = names.randomElement(using: &numbers) ?? "CNI_COMMAND"
        let values: [[UInt8]] = [
            [0xFF, 0xFE, 0x80], Array("../../etc".utf8), Array(String(repeating: "x", count: 100_000).utf8),
            Array("a b\n".utf8),
            Array("ADDD".utf8), Array("/proc/self/ns/mnt".utf8), Array("=;=".utf8), Array("\u{1b}[2J;".utf8),
            Array("/etc/passwd;".utf8),
        ]
        // A command that is missing is no error: the plugin says what it is.
        if name != "CNI_COMMAND" && name != "CNI_ARGS" && Bool.random(using: &numbers) {
            call.variables[name] = Bool.random(using: &numbers) ? nil : []
        } else {
            call.variables[name] = values.randomElement(using: &numbers)
        }
    }

    private func changeInput(_ call: inout Call, _ numbers: inout Numbers) {
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0: call.input.removeLast(Int.random(in: 1...call.input.count, using: &numbers))
        case 1:
            for _ in 0...Int.random(in: 0..<4, using: &numbers) {
                call.input[Int.random(in: call.input.indices, using: &numbers)] = UInt8.random(
                    in: 0...255, using: &numbers)
            }
        case 2:
            let bytes = (0...Int.random(in: 0..<20, using: &numbers)).map { _ in
                UInt8.random(in: 0...255, using: &numbers)
            }
            call.input.insert(contentsOf: bytes, at: Int.random(in: call.input.indices, using: &numbers))
        case 3:
            let unit = ["[", "{\"a\":", "[[{\"\":"].randomElement(using: &numbers) ?? "["
            call.input.insert(
                contentsOf: Array(String(repeating: unit, count: Int.random(in: 200...50_000, using: &numbers)).utf8),
                at: Int.random(in: call.input.indices, using: &numbers))
        default: changeValue(&call, &numbers)
        }
    }

    /// Puts something else after one of the colons, or the same key twice, or takes a key away.
    private func changeValue(_ call: inout Call, _ numbers: inout Numbers) {
        let colons = call.input.indices.filter {
            call.input[$0] == UInt8(ascii: ":") && call.input[$0 - 1] == UInt8(ascii: "\"")
        }
        guard let colon = colons.randomElement(using: &numbers) else { return }
        let others = [
            "null", "true", "-1", "99999999999999999999999", "1e999", "1.5", "[]", "{}", "\"\"", "\"\\u0000\"",
            "\"../x\"", "[null]",
            "9223372036854775807", "{\"type\":7}", "\"a\\nb\"", "\"10.1.0.0/99\"", "[[[]]]", "-9223372036854775808",
            "\"\u{10FFFF}\"",
        ]
        let other = Array((others.randomElement(using: &numbers) ?? "7").utf8)
        var end = colon + 1
        while end < call.input.count,
            ![UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(call.input[end])
        { end += 1 }
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0: call.input.insert(contentsOf: other, at: colon + 1)
        case 1: call.input[colon - 2] ^= 0x15
        default: call.input.replaceSubrange((colon + 1)..<end, with: other)
        }
    }
}
