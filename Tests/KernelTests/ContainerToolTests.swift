import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// Containers as a person runs, looks at and stops them with `cnitool`.
@Suite(.needsLab)
struct ContainerToolTests {
    @Test func `containers of a network reach each other by address and by every name`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1", "--alias", "www")
        try scene.start("client", "--network", "net1", "--network", "net2", "--hostname", "box", "--link", "web:shop")
        try scene.start("stranger", "--network", "net2")
        for target in ["172.18.0.2", "fd00:18::2", "web", "www", "shop", "client", "box"] {
            #expect(try scene.pings("client", target), "\(target)")
        }
        #expect(try scene.pings("web", "client"))
        #expect(try !scene.pings("web", "shop"))
        #expect(try !scene.pings("stranger", "web"))
        #expect(try scene.pings("stranger", "client"))
        let web = try scene.record("web")["id"].string()?.prefix(12) ?? ""
        let client = try scene.record("client")["id"].string()?.prefix(12) ?? ""
        #expect(
            try scene.hosts("web") == [
                "172.18.0.2 \(web) web www", "fd00:18::2 \(web) web www", "172.18.0.3 client \(client)",
                "fd00:18::3 client \(client)",
            ])
        #expect(try scene.inside("web", "hostname") == web)
        #expect(try scene.inside("client", "hostname; ls /sys/class/net") == "box\neth0\neth1\nlo")
        #expect(try scene.pings("web", "172.18.0.1"))

        let first = try #require(try scene.containers().first)
        #expect(try first["name"].value == "web")
        #expect(try first["networks"].elements()[0]["addresses"].strings() == ["172.18.0.2", "fd00:18::2"])
        let table = try scene.succeed("ps").split(separator: "\n").map(String.init)
        #expect(table.count == 4)
        #expect(table[0].hasPrefix("CONTAINER ID  NAME      COMMAND      CREATED"))
        #expect(table[2].hasPrefix("\(client)  client    \"sleep 300\"  "))
        #expect(table[2].contains(" ago  net1,net2  172.18.0.3,fd00:18::3,172.19.0.2  -"))

        #expect(try scene.succeed("stop", "web", String(client), "stranger") == "web\n\(client)\nstranger")
        #expect(try scene.remains() == [])
        #expect(try scene.succeed("ps").split(separator: "\n").count == 1)
    }

    @Test(arguments: [[], ["--backend", "nftables"], ["--backend", "iptables"]])
    func `a published port leads from the host into the container`(backend: [String]) throws {
        let scene = try ContainerScene.withNetworks(backend)
        try scene.lab.write("hello from web\n", to: "site/index.html")
        try scene.start(
            "web", "--network", "net1", "-p", "8080:80", "-p", "127.0.0.1:8443:443/udp",
            command: ["python3", "-m", "http.server", "80", "--bind", "::", "--directory", scene.lab.path("site")])
        func fetch(_ address: String) throws -> String {
            let line = "import urllib.request as r; print(r.urlopen('\(address)', timeout=2).read().decode(), end='')"
            return try scene.shell("python3 -c \"\(line)\"").outputText
        }
        #expect(try waitUntil { try fetch("http://172.18.0.2:80/") == "hello from web\n" })
        for address in ["http://localhost:8080/", "http://172.18.0.1:8080/", "http://[fd00:18::1]:8080/"] {
            #expect(try fetch(address) == "hello from web\n", "\(address)")
        }
        let line = try #require(try scene.succeed("ps").split(separator: "\n").last)
        #expect(line.hasSuffix("  0.0.0.0:8080->80/tcp, :::8080->80/tcp, 127.0.0.1:8443->443/udp"), "\(line)")

        let taken = try scene.run("--network", "net2", "-p", "8080:81", "true")
        #expect(taken.ending == .exited(status: 125), "\(taken)")
        #expect(taken.errorText.hasPrefix("Error: -p: port 8080/tcp of the host leads to container web: "), "\(taken)")
        #expect(try scene.containers().count == 1)
        try scene.succeed("stop", "web")
        #expect(try scene.remains() == [])
        #expect(try fetch("http://localhost:8080/") == "")
        #expect(try !scene.lab.host.filterTables().contains { $0.contains("cni_ports") })
    }

    @Test func `an address and a hardware address are those that were asked for`() throws {
        let scene = try ContainerScene.withNetworks()
        let outcome = try scene.run(
            "--network", "net1", "--network", "net2", "--ip", "172.19.0.77", "--ip", "fd00:18::77", "--ip",
            "172.18.0.77", "--mac-address", "02:42:ac:12:00:77", "--", "ip", "-br", "address", "show")
        #expect(outcome.isSuccess, "\(outcome)")
        let lines = outcome.outputText.split(separator: "\n").map { $0.split(separator: " ").dropFirst(2) }
        #expect(lines.count == 3)
        #expect(lines[1].contains("172.18.0.77/16") && lines[1].contains("fd00:18::77/64"))
        #expect(lines[2].contains("172.19.0.77/16"))
        let mac = try scene.run(
            "--network", "net1", "--mac-address", "02:42:ac:12:00:77", "cat", "/sys/class/net/eth0/address")
        #expect(mac.outputText == "02:42:ac:12:00:77\n")
        #expect(try scene.remains() == [])
    }

    @Test func `what a network says of names is what the container asks`() throws {
        let scene = try ContainerScene.withNetworks()
        let own = try scene.shell("cat /etc/resolv.conf").output
        try scene.edit("net2") {
            $0.replacing(
                "\"type\": \"bridge\",", with: "\"type\": \"bridge\", \"dns\": {\"nameservers\": [\"172.19.0.1\"]},")
        }
        #expect(try scene.run("--network", "net1", "cat", "/etc/resolv.conf").output == own)
        #expect(try scene.run("--network", "net2", "cat", "/etc/resolv.conf").outputText == "nameserver 172.19.0.1\n")
        #expect(try scene.shell("cat /etc/resolv.conf").output == own)
    }

    @Test func `without a network there is lo, and the host's network is the host's`() throws {
        let scene = try ContainerScene()
        let refused = try scene.run("true")
        #expect(refused.ending == .exited(status: 125))
        #expect(refused.errorText.hasPrefix("Error: there is no network: create one with "), "\(refused)")
        let none = try scene.run(
            "--network", "none", "--hostname", "alone", "--", "sh", "-c",
            "hostname; ip -br link; ping -c 1 -W 1 ::1 >&2")
        #expect(none.isSuccess, "\(none)")
        #expect(none.outputText.split(separator: "\n").count == 2)
        #expect(none.outputText.hasPrefix("alone\nlo "))
        #expect(!none.outputText.contains("DOWN"))
        try scene.lab.host.ip("link", "add", "wire", "type", "bridge")
        let host = try scene.run("--network", "host", "--", "sh", "-c", "ip -br link; hostname")
        #expect(host.outputText.contains("wire "), "\(host)")
        #expect(host.outputText.hasSuffix(try scene.shell("hostname").outputText))
        #expect(try scene.remains() == [])
        #expect(scene.files("state") == ["lock"])
    }

    @Test func `a network of a single one, or of the name default, need not be named`() throws {
        let scene = try ContainerScene()
        try scene.create("net1", ["--subnet", "172.18.0.0/16"])
        #expect(try scene.run("ip", "-br", "-4", "address", "show", "eth0").outputText.contains(" 172.18.0.2/16"))
        try scene.create("net2", ["--subnet", "172.19.0.0/16"])
        let refused = try scene.run("true")
        #expect(
            refused.errorText
                == "Error: there are several networks, and none is named \"default\": choose with --network one of net1, net2\n"
        )
        try scene.create("default", ["--subnet", "172.20.0.0/16"])
        #expect(try scene.run("ip", "-br", "-4", "address", "show", "eth0").outputText.contains(" 172.20.0.2/16"))
    }
}
