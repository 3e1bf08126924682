import CNI
import InterfaceSetup

enum HostLinkNames {
    static func veth(network: String, containerID: String, interfaceName: String) -> String {
        HostLinkName.veth(CNI.Attachment(network: network, containerID: containerID, interfaceName: interfaceName))
    }
}
