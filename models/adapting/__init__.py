"""`labeler adapt`: masked-language-model pretraining goes on, on the user's own unlabelled reviews.

Source: task-adaptive pretraining, Gururangan et al. (2020), "Don't Stop Pretraining".
"""
