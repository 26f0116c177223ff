// The tasks that the program brings: prompts as lm-evaluation-harness 0.4.13 has them, files in
// their original layouts or in those of the Hugging Face Hub.
extension TaskDefinition {
  package static let shipped: [(name: String, yaml: String)] = [
    ("piqa", piqa), ("arc_easy", arc("arc_easy", "ARC-Easy")),
    ("arc_challenge", arc("arc_challenge", "ARC-Challenge")), ("hellaswag", hellaswag),
    ("openbookqa", openbookqa), ("winogrande", winogrande), ("boolq", boolq), ("mmlu", mmlu),
    ("lambada_openai", lambada), ("super_ni", superNI),
  ]

  private static let piqa = #"""
    task: piqa
    training_split:
      - {files: piqa/train.jsonl, labels: piqa/train-labels.lst}
      - piqa/train*.json*
    validation_split:
      - {files: piqa/valid.jsonl, labels: piqa/valid-labels.lst}
      - piqa/valid*.json*
    record: {goal: string, sol1: string, sol2: string, label: integer}
    doc_to_text: "Question: {{goal}}\nAnswer:"
    doc_to_target: label
    doc_to_choice: "{{[sol1, sol2]}}"
    metric_list: [acc, acc_norm]
    """#

  /// In the original form a question is a mapping of its stem and its choices.
  private static let listedChoices = #"""
    {{ choices if choices is defined else {
        'text': question.choices | map(attribute='text') | list,
        'label': question.choices | map(attribute='label') | list} }}
    """#

  private static func arc(_ name: String, _ set: String) -> String {
    #"""
    task: \#(name)
    training_split: [arc/\#(set)-Train.jsonl, \#(name)/train*.json*, arc/\#(set)/train*.json*]
    validation_split:
      - arc/\#(set)-Validation.jsonl
      - arc/\#(set)-Dev.jsonl
      - \#(name)/validation*.json*
      - arc/\#(set)/validation*.json*
    test_split: [arc/\#(set)-Test.jsonl, \#(name)/test*.json*, arc/\#(set)/test*.json*]
    record: {question: [string, object], choices: [object, missing], answerKey: string}
    fields:
      choices: >-
        \#(listedChoices.indentedLines)
      question: "{{ question.stem if question is mapping else question }}"
    doc_to_text: "Question: {{question}}\nAnswer:"
    doc_to_target: "{{choices.label.index(answerKey)}}"
    doc_to_choice: "{{choices.text}}"
    metric_list: [acc, acc_norm]
    """#
  }

  /// Brackets are what is left of the layout of WikiHow's pages.
  private static let hellaswag = #"""
    task: hellaswag
    training_split: [hellaswag/hellaswag_train*.jsonl, hellaswag/train*.json*]
    validation_split: [hellaswag/hellaswag_val*.jsonl, hellaswag/validation*.json*]
    record:
      activity_label: string
      ctx_a: string
      ctx_b: string
      endings: strings
      label: [string, integer]
    fields:
      query: >-
        {{ (activity_label ~ ': ' ~ ctx_a ~ ' ' ~ ctx_b.capitalize()) | trim
        | replace(' [title]', '. ') | regex_replace('\\[.*?\\]', '') | replace('  ', ' ') }}
      choices: >-
        {{ endings | map('trim') | map('replace', ' [title]', '. ')
        | map('regex_replace', '\\[.*?\\]', '') | map('replace', '  ', ' ') | list }}
    doc_to_text: "{{query}}"
    doc_to_target: "{{label}}"
    doc_to_choice: choices
    metric_list: [acc, acc_norm]
    """#

  private static let openbookqa = #"""
    task: openbookqa
    training_split: [openbookqa/openbookqa_train.jsonl, openbookqa/train*.json*]
    validation_split:
      - openbookqa/openbookqa_val.jsonl
      - openbookqa/dev.jsonl
      - openbookqa/validation*.json*
    test_split: [openbookqa/openbookqa_test.jsonl, openbookqa/test*.json*]
    record:
      question_stem: [string, missing]
      question: [object, string, missing]
      choices: [object, missing]
      answerKey: string
    fields:
      choices: >-
        \#(listedChoices.indentedLines)
      question_stem: "{{ question_stem if question_stem is defined else question.stem }}"
    doc_to_text: question_stem
    doc_to_target: "{{choices.label.index(answerKey.lstrip())}}"
    doc_to_choice: "{{choices.text}}"
    metric_list: [acc, acc_norm]
    """#

  /// Partial evaluation: what stands behind the gap is predicted from both fillings.
  private static let winogrande = #"""
    task: winogrande
    training_split: [winogrande/train_xl.jsonl, winogrande/train*.json*]
    validation_split: [winogrande/dev.jsonl, winogrande/validation*.json*]
    record: {sentence: string, option1: string, option2: string, answer: [string, integer]}
    multiple_input: true
    doc_to_text: "{{ {'1': 0, '2': 1}[answer | string] }}"
    doc_to_choice: >-
      {{ [sentence.split('_', 1)[0] ~ option1, sentence.split('_', 1)[0] ~ option2] }}
    doc_to_target: "{{ sentence.split('_', 1)[1] | trim }}"
    metric_list: [acc]
    """#

  private static let boolq = #"""
    task: boolq
    training_split: [boolq/train*.json*]
    validation_split: [boolq/val.jsonl, boolq/dev.jsonl, boolq/validation*.json*]
    record:
      passage: string
      question: string
      label: [integer, boolean, missing]
      answer: [boolean, missing]
    fields:
      label: "{{ label if label is defined else answer }}"
    doc_to_text: "{{passage}}\nQuestion: {{question}}?\nAnswer:"
    doc_to_target: label
    doc_to_choice: ["no", "yes"]
    metric_list: [acc]
    """#

  private static let mmlu = #"""
    task: mmlu
    group_by: subject
    dev_split: [mmlu/mmlu_dev.jsonl, mmlu/dev*.json*]
    validation_split: [mmlu/mmlu_validation.jsonl, mmlu/validation*.json*]
    test_split: [mmlu/mmlu_test.jsonl, mmlu/test*.json*]
    fewshot_split: dev
    fewshot_config: {sampler: first_n}
    record: {subject: string, question: string, choices: strings, answer: [integer, string]}
    description: "The following are multiple choice questions (with answers) about \
      {{subject.replace('_', ' ')}}.\n\n"
    doc_to_text: "{{question.strip()}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nC. {{choices[2]}}\n\
      D. {{choices[3]}}\nAnswer:"
    doc_to_choice: ["A", "B", "C", "D"]
    doc_to_target: "{{ {'A': 0, 'B': 1, 'C': 2, 'D': 3}[answer] if answer is string else answer }}"
    metric_list: [acc]
    """#

  private static let lambada = #"""
    task: lambada_openai
    output_type: loglikelihood
    test_split: [lambada/lambada_test*.jsonl, lambada/test*.json*]
    record: {text: string}
    doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}"
    doc_to_target: "{{' '+text.split(' ')[-1]}}"
    metric_list: [perplexity, acc]
    """#
}

extension String {
  /// As it stands in a block of YAML that is indented by four.
  fileprivate var indentedLines: String {
    split(separator: "\n").joined(separator: "\n    ")
  }
}
