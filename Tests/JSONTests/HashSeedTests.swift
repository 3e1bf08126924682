@testable import JSON
import Testing

@Suite("Hash seed")
struct HashSeedTests {
    @Test("every random number gives a seed other than 0", arguments: [0, 1, UInt(Int.max), UInt(Int.max) + 1, .max])
    func everyNumber(random: UInt) {
        #expect(UInt(bitPattern: hashSeed(from: random)) == random | 1)
    }
}
