extension TaskDefinition {
  /// Super-NaturalInstructions: the definition, the first positive examples of the task and the
  /// instance's input, encoded as Tk-Instruct does it (Wang et al. 2022, arXiv 2204.07705), but
  /// without the space behind the last "Output:", which a decoder's tokens begin with themselves.
  static let superNI = #"""
    task: super_ni
    output_type: generate_until
    group_by: task
    num_fewshot: 2
    fewshot_config: {sampler: template}
    test_split:
      - {files: [super_ni/*/test.json, super_ni/task*.json], format: super_ni}
      - {files: ["*/test.json", "task*.json"], format: super_ni}
    record: {input: string, output: [string, strings]}
    doc_to_text: |-
      {% set marks = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' -%}
      {% macro closed(text) %}{{ text }}{{ '' if text[-1] in marks else '.' }}{% endmacro -%}
      {{ closed('Definition: ' ~ definition | trim) }}

      {% for example in positive_examples[:num_fewshot] %} Positive Example {{ loop.index }} -
      {{ closed('Input: ' ~ example.input | trim) }}
      {{ closed(' Output: ' ~ example.output | trim) }}

      {% endfor %}Now complete the following example -
      {{ closed('Input: ' ~ input | trim) }}
      Output:
    doc_to_target: output
    generation_kwargs: {max_gen_toks: 128, until: ["\n\n"]}
    metric_list: [rougeL, exact_match]
    """#
}
