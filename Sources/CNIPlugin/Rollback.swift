internal import LinuxSystem

/// The way back from a half-finished change: each step registers its undo right after it succeeded.
public final class Rollback {
    /// How one step is undone.
    private struct Undo {
        let name: String
        let body: () throws -> Void
    }

    private var undos: [Undo] = []

    private init() {}

    /// Runs `change`; when it throws, undoes its registered steps, last one first, and throws the same error.
    public static func guarding<Result>(_ change: (Rollback) throws -> Result) throws -> Result {
        let rollback = Rollback()
        do {
            return try change(rollback)
        } catch {
            rollback.undoAll()
            throw error
        }
    }

    /// Registers how to undo what was just done; `name` is for the message when that fails too.
    public func onFailure(_ name: String, _ undo: @escaping () throws -> Void) {
        undos.append(Undo(name: name, body: undo))
    }

    /// An undo that fails must neither keep the others from running nor hide the error that made them necessary.
    private func undoAll() {
        while let undo = undos.popLast() {
            do { try undo.body() } catch { StandardStreams.writeError("rollback: \(undo.name): \(error)\n") }
        }
    }
}
