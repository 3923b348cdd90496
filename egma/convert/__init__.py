"""Brings the field's published checkpoints into the project's own layout: one module a family of files.

    weight_files  reads a file of tensors without running anything in it
    published     MedCLIP-ViT, MedCLIP-ResNet and EGMA: the layouts of `pytorch_model.bin`
    clip_source   where an open_clip model is: folder, hub, open_clip's list
    openclip      open_clip models, BiomedCLIP's hub layout included; clip_text their text half
    text_files    a text tower's config.json and tokenizer.json
    tower_config  a tower's config.json, its sizes checked
    plan          every tensor's place, and the model that is filled by it
    finish        what every import ends with: a display range, the card, the folder

Every tensor of a file is either used or named in the result; nothing is written before everything fits.
"""
