public import CNI

/// What ADD and CHECK are called with.
public struct AttachRequest {
    public let attachment: Attachment
    public let sandbox: Sandbox
    public let arguments: CNIArguments
    public let configuration: RequestConfiguration
    /// How this process was called, to be handed on to delegates.
    public let execution: Execution

    public init(
        attachment: Attachment, sandbox: Sandbox, arguments: CNIArguments = .none, configuration: RequestConfiguration,
        execution: Execution
    ) {
        self.attachment = attachment
        self.sandbox = sandbox
        self.arguments = arguments
        self.configuration = configuration
        self.execution = execution
    }
}

/// What DEL is called with.
public struct DetachRequest {
    public let attachment: Attachment
    /// Nil where the runtime names no sandbox, or one that is gone.
    public let sandbox: Sandbox?
    public let arguments: CNIArguments
    public let configuration: RequestConfiguration
    /// How this process was called, to be handed on to delegates.
    public let execution: Execution

    public init(
        attachment: Attachment, sandbox: Sandbox?, arguments: CNIArguments = .none, configuration: RequestConfiguration,
        execution: Execution
    ) {
        self.attachment = attachment
        self.sandbox = sandbox
        self.arguments = arguments
        self.configuration = configuration
        self.execution = execution
    }
}

/// What STATUS and GC are called with.
public struct NetworkRequest {
    public let configuration: RequestConfiguration
    /// How this process was called, to be handed on to delegates.
    public let execution: Execution

    public init(configuration: RequestConfiguration, execution: Execution) {
        self.configuration = configuration
        self.execution = execution
    }
}
