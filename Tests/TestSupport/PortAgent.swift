internal import Foundation
internal import Glibc

/// The process that serves and asks in the namespaces of a ``PortLab``: `testdata/portlab/agent.py`.
///
/// It lives as long as the connection to it, so that it ends with the lab, and also when the test process is killed.
final class PortAgent: @unchecked Sendable {
    private let lock = NSLock()
    private let descriptor: CInt
    private var received: [UInt8] = []

    /// Starts it; it is ready when this returns. `socket` is a path where nothing is yet.
    init(socket path: String) throws {
        guard let python = Subprocess.find("python3") else {
            throw Subprocess.Failure(description: "there is no program python3")
        }
        let script = Repository.root.appending(path: "testdata/portlab/agent.py").path
        try LabNamespace.require(
            try Subprocess.run(python, ["-B", script, path], environment: LabNamespace.systemEnvironment), script)
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes.prefix($0.count - 1)) }
        let connected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Subprocess.Failure(description: "cannot connect to \(path): errno \(errno)") }
        unlink(path)
    }

    deinit { close(descriptor) }

    /// Sends one request, a line of JSON, and returns the answer to it.
    func request<Answer: Decodable>(_ request: some Encodable) throws -> Answer {
        let line = try JSONEncoder().encode(request) + [0x0A]
        let answer = try lock.withLock {
            try send(Array(line))
            return try receiveLine()
        }
        if let failure = try? JSONDecoder().decode(Failure.self, from: Data(answer)) {
            throw Subprocess.Failure(description: "the agent of the lab: \(failure.error)")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(answer))
    }

    private struct Failure: Decodable {
        let error: String
    }

    private func send(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress.map { $0 + start }, bytes.count - start, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Subprocess.Failure(description: "the agent of the lab is gone") }
            start += count
        }
    }

    private func receiveLine() throws -> [UInt8] {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                defer { received.removeSubrange(...end) }
                return Array(received[..<end])
            }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Subprocess.Failure(description: "the agent of the lab is gone") }
            received += buffer.prefix(count)
        }
    }
}
