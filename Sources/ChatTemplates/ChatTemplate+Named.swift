extension ChatTemplate {
  /// Names of the built-in templates, for models that bring none.
  package static let names = [
    "alpaca", "chatml", "llama2", "llama3", "mistral", "qwen2", "zephyr",
  ]

  /// A built-in template in the format of a model family.
  package init(named name: String) throws(ChatTemplateError) {
    let sources = [
      "alpaca": Self.alpaca, "chatml": Self.chatML, "llama2": Self.llama2, "llama3": Self.llama3,
      "mistral": Self.mistral, "qwen2": Self.qwen2, "zephyr": Self.zephyr,
    ]
    guard let source = sources[name] else {
      throw .unknownName(name)
    }
    try self.init(source: source)
  }

  private static let chatML = #"""
    {%- for message in messages -%}
      {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
      {{- '<|im_start|>assistant\n' -}}
    {%- endif -%}
    """#

  private static let qwen2 = #"""
    {%- if messages and messages[0].role != 'system' -%}
      {{- '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' -}}
    {%- endif -%}

    """# + chatML

  private static let llama3 = #"""
    {{- bos_token -}}
    {%- for message in messages -%}
      {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' -}}
      {{- message.content | trim -}}
      {{- '<|eot_id|>' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
      {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
    {%- endif -%}
    """#

  /// The system's words stand inside the first user turn.
  private static let llama2 = #"""
    {%- set state = namespace(system='') -%}
    {%- for message in messages -%}
      {%- if message.role == 'system' -%}
        {%- set state.system = '<<SYS>>\n' + message.content + '\n<</SYS>>\n\n' -%}
      {%- elif message.role == 'user' -%}
        {{- bos_token + '[INST] ' + (state.system + message.content) | trim + ' [/INST]' -}}
        {%- set state.system = '' -%}
      {%- elif message.role == 'assistant' -%}
        {{- ' ' + message.content | trim + ' ' + eos_token -}}
      {%- else -%}
        {{- raise_exception('the roles are system, user and assistant, not ' + message.role) -}}
      {%- endif -%}
    {%- endfor -%}
    """#

  private static let mistral = #"""
    {{- bos_token -}}
    {%- set state = namespace(system='') -%}
    {%- for message in messages -%}
      {%- if message.role == 'system' -%}
        {%- set state.system = message.content + '\n\n' -%}
      {%- elif message.role == 'user' -%}
        {{- '[INST] ' + state.system + message.content + ' [/INST]' -}}
        {%- set state.system = '' -%}
      {%- elif message.role == 'assistant' -%}
        {{- ' ' + message.content | trim + eos_token -}}
      {%- else -%}
        {{- raise_exception('the roles are system, user and assistant, not ' + message.role) -}}
      {%- endif -%}
    {%- endfor -%}
    """#

  private static let zephyr = #"""
    {%- for message in messages -%}
      {{- '<|' + message.role + '|>\n' + message.content + eos_token + '\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
      {{- '<|assistant|>\n' -}}
    {%- endif -%}
    """#

  private static let alpaca = #"""
    {%- for message in messages -%}
      {%- if message.role == 'system' -%}
        {{- message.content + '\n\n' -}}
      {%- elif message.role == 'user' -%}
        {{- '### Instruction:\n' + message.content + '\n\n' -}}
      {%- else -%}
        {{- '### Response:\n' + message.content + eos_token + '\n\n' -}}
      {%- endif -%}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
      {{- '### Response:\n' -}}
    {%- endif -%}
    """#
}
