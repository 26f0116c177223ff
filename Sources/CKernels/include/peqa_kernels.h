int peqa_placeholder(void);
