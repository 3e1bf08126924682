import JSON
import TestSupport
import Testing

/// Ports of the host that containers get: ranges, those that nobody names, and those that a process has.
@Suite(.needsLab)
struct ContainerPortTests {
    @Test func `a range is a port each, and a port without one of the host gets the lowest that is free`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net2", "-p", "8080-8082:80-82", "-p", "443", "-p", "127.0.0.1::53/udp")
        try scene.start("shop", "--network", "net2", "-p", "443")
        let lines = try scene.succeed("ps").split(separator: "\n")
        #expect(
            lines[1].hasSuffix(
                "  0.0.0.0:8080-8082->80-82/tcp, 0.0.0.0:49152->443/tcp, 127.0.0.1:49152->53/udp"), "\(lines)")
        #expect(lines[2].hasSuffix("  0.0.0.0:49153->443/tcp"), "\(lines)")
        for (container, port, target) in [("web", 8081, 81), ("web", 49152, 443), ("shop", 49153, 443)] {
            let server = "import socket; s = socket.create_server(('', \(target))); s.accept()[0].send(b'here')"
            _ = try scene.shell("cnitool exec \(container) -- python3 -c \"\(server)\" >/dev/null 2>&1 </dev/null &")
            let client =
                "import socket; print(socket.create_connection(('127.0.0.1', \(port)), 2).recv(9).decode(), end='')"
            #expect(
                try waitUntil { try scene.shell("python3 -c \"\(client)\"").outputText == "here" },
                "\(container) \(port)")
        }
        let taken = try scene.run("--network", "net1", "-p", "8082-8083:1-2", "true")
        #expect(taken.errorText.hasPrefix("Error: -p: port 8082/tcp of the host leads to container web: "), "\(taken)")
        try scene.succeed("stop", "web", "shop")
        #expect(try scene.remains() == [])
    }

    @Test(arguments: [
        // What listens, what is asked for, and whether it is refused.
        ("0.0.0.0", "tcp", "9090:80", true), ("127.0.0.1", "tcp", "9090:80", true), ("::", "tcp", "9090:80", true),
        ("0.0.0.0", "tcp", "127.0.0.1:9090:80", true), ("127.0.0.1", "udp", "9089-9091:80-82/udp", true),
        ("127.0.0.1", "tcp", "127.0.0.2:9090:80", false), ("0.0.0.0", "udp", "9090:80", false),
        ("127.0.0.1", "tcp", "9091:80", false), ("127.0.0.1", "tcp", "198.51.100.7:9090:80", false),
    ])
    func `a port that a process has is not taken from it`(
        address: String, transport: String, wish: String, isRefused: Bool
    ) throws {
        let scene = try ContainerScene.withNetworks()
        let (family, type) = (address.contains(":") ? "AF_INET6" : "AF_INET", transport == "tcp" ? "STREAM" : "DGRAM")
        let server = """
            import socket, subprocess, sys
            s = socket.socket(socket.\(family), socket.SOCK_\(type))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((sys.argv[1], 9090))
            if '\(transport)' == 'tcp': s.listen()
            sys.exit(subprocess.run(sys.argv[2:]).returncode)
            """
        try scene.lab.write(server, to: "server.py")
        let outcome = try scene.shell(
            "python3 \(scene.lab.path("server.py")) \(address) cnitool run --network net2 "
                + "\(scene.cache.joined(separator: " ")) -p \(wish) -- true")
        #expect(outcome.ending == .exited(status: isRefused ? 125 : 0), "\(outcome)")
        let sentence =
            "Error: -p: a process of the host uses port 9090/\(transport): choose another one, or end that process, "
            + "which \"ss -lnp sport = :9090\" shows\n"
        #expect(outcome.errorText == (isRefused ? sentence : ""))
        #expect(try scene.remains() == [])
        // Nothing has been made that a network needs.
        #expect(try scene.lab.host.links().contains { $0.ifname == "cni-net2" } == !isRefused)
    }
}
