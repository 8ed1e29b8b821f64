# %% [markdown] lang="en"
# # Softmax regression 2: from scratch
#
# **You will learn** how images become batches, why softmax overflows and how to prevent it, and how to train with gradients that you derive by hand. **You need** notebook 1, [the ideas](1_ideas.ipynb). **It takes** about 90 minutes; the code runs in less than a minute.
#
# These are sections 5–7 of the notes. You write softmax, cross-entropy, the gradients and the training loop in cells. `scratch`, this project's implementation, is imported only to compare.

# %% [markdown] lang="zh"
# # Softmax 回归（二）：从零开始实现
#
# **学到什么**：图像怎样组成小批量，softmax 为什么会上溢、怎样避免，以及怎样用自己推导的梯度来训练。**需要什么**：第一个笔记本，[思想](1_ideas.zh-CN.ipynb)。**用时**：大约 90 分钟；代码不到一分钟就能运行完。
#
# 这里是笔记的第 5–7 节。softmax、交叉熵、梯度和训练循环都由你在单元里写出来；导入本项目的实现 `scratch` 只是为了对照。

# %% setup=1

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 110, "bbox_inches": "tight"}
import torch

import d2l_softmax as d2l
import scratch  # to compare with
from notebooks import drawing

torch.manual_seed(0)
torch.set_printoptions(precision=4, sci_mode=False)
agree = torch.testing.assert_close  # an error unless both are equal up to rounding

# %% lang="zh"
drawing.use_chinese()  # 图中文字用中文；需要中文字体，例如 Noto Sans CJK

# %% [markdown] lang="en"
# ## 5. Fashion-MNIST
#
# MNIST's digits are too easy. Fashion-MNIST has the same size and format, with ten kinds of clothing (Xiao, Rasul and Vollgraf, 2017). `load_data_fashion_mnist` returns two iterators over batches, for training and for testing.

# %% [markdown] lang="zh"
# ## 5. 图像分类数据集 Fashion-MNIST
#
# MNIST 的手写数字过于简单。Fashion-MNIST 的大小和格式与它相同，内容换成了十类服饰（Xiao、Rasul 和 Vollgraf，2017）。`load_data_fashion_mnist` 返回两个小批量迭代器，分别用于训练和测试。

# %%
shuffling = torch.Generator().manual_seed(0)
train_iter, test_iter = d2l.load_data_fashion_mnist(batch_size=256, generator=shuffling)
classes = test_iter.dataset.classes
images, labels = next(iter(test_iter))
print("a batch:", tuple(images.shape), images.dtype, "labels:", tuple(labels.shape))
print("values from", images.min().item(), "to", images.max().item())
drawing.tiles(images[:18], labels[:18], classes)

# %% [markdown] lang="en"
# Gray images of $28 \times 28$ pixels, bright on black.
#
# **Predict first.** An *epoch* is one pass over the training images. How many batches of 256 are in 60,000 images, and how large is the last? Do two epochs begin with the same labels?

# %% [markdown] lang="zh"
# $28 \times 28$ 像素的灰度图像，黑底亮图。
#
# **先猜一猜**：把训练图像遍历一遍，称为一个*迭代周期*（epoch）。60000 幅图像能分成多少个大小为 256 的小批量，最后一个有多大？两个迭代周期开头的标签相同吗？

# %%
sizes = [len(labels) for _, labels in train_iter]
print(len(sizes), "batches, the last of", sizes[-1])
for _ in range(2):
    print("first labels:", next(iter(train_iter))[1][:10].tolist())

# %% [markdown] lang="en"
# $60000 = 234 \cdot 256 + 96$: 235 batches, the last with 96 images. A plain mean over batches would give these 96 too much weight, so weight each batch by its size. The training images are shuffled in every epoch, so each batch resembles the whole data set. Sorted by class, each batch would pull all weights towards one class.
#
# **Predict first.** Average all images of each class. Which two of the ten mean images are the most alike?

# %% [markdown] lang="zh"
# $60000 = 234 \cdot 256 + 96$：共 235 个，最后一个只有 96 幅。直接对各个小批量求平均，这 96 幅的权重就太大，所以要按小批量的大小加权。训练图像在每个迭代周期都重新打乱，使每个小批量都与整个数据集相似。如果按类别排好序，每个小批量都会把所有权重拉向同一个类别。
#
# **先猜一猜**：对每个类别的全部图像求平均。十幅平均图像中，哪两幅最相似？

# %%
all_images, all_labels = train_iter.dataset[torch.arange(60_000)]
means = torch.stack([all_images[all_labels == k].mean(dim=0) for k in range(10)])
distances = torch.cdist(means.flatten(1), means.flatten(1)) + 100 * torch.eye(10)
print("the closest:", [classes[k] for k in divmod(distances.argmin().item(), 10)])
drawing.tiles(means, range(10), classes, columns=10)

# %% [markdown] lang="en"
# Pullover and coat. Section 7 shows whether the model confuses them. Remember these ten images: they appear again in the first step of training.

# %% [markdown] lang="zh"
# 套衫和外套。模型会不会混淆它们，见第 7 节。请记住这十幅图像：训练的第一步还会遇到它们。

# %% [markdown] lang="en"
# **Experiment.** Load the data with `resize=64`. What is the shape of a batch? How many weights does a class need then?

# %% [markdown] lang="zh"
# **实验**：加上 `resize=64` 读取数据。小批量的形状是什么？这时每个类别需要多少个权重？

# %% [markdown] exercises=5
# (the exercises of section 5)

# %% [markdown] lang="en"
# ## 6. Softmax
#
# Softmax works row by row, so it needs sums along a dimension.
#
# **Predict first.** What are `X.sum(0, keepdim=True)` and `X.sum(1, keepdim=True)` for the matrix below? By hand, divide its first row by the sum of that row.

# %% [markdown] lang="zh"
# ## 6. softmax
#
# softmax 逐行进行，所以要沿某个维度求和。
#
# **先猜一猜**：对下面的矩阵，`X.sum(0, keepdim=True)` 和 `X.sum(1, keepdim=True)` 各是哪些数？请动手把第一行除以这一行的和。

# %%
A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
tables = {
    "X": A,
    "X.sum(0, keepdim=True)": A.sum(0, keepdim=True),
    "X.sum(1, keepdim=True)": A.sum(1, keepdim=True),
    "X / X.sum(1, keepdim=True)": A / A.sum(1, keepdim=True),
}
drawing.sums(tables)

# %% [markdown] lang="en"
# `sum(0)` adds down the columns, `sum(1)` along the rows. `keepdim=True` keeps the summed dimension with length 1, so division broadcasts: $(2, 3)$ by $(2, 1)$ gives $(2, 3)$. The first row becomes $1/6$, $2/6$, $3/6$. With $\exp$ first, that is softmax, as in notebook 1:

# %% [markdown] lang="zh"
# `sum(0)` 沿列向下加，`sum(1)` 沿行加。`keepdim=True` 保留求和的维度，长度为 1，相除时就能广播：$(2, 3)$ 除以 $(2, 1)$ 得到 $(2, 3)$。第一行变成 $1/6$、$2/6$、$3/6$。先取 $\exp$，就是第一个笔记本里的 softmax：


# %%
def naive_softmax(O):
    exponentials = torch.exp(O)
    return exponentials / exponentials.sum(dim=1, keepdim=True)  # (n, q) / (n, 1) -> (n, q)


X = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [0.5, 0, 0, 1]])  # the images of section 2
y = torch.tensor([0, 1, 2])
W = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
b = torch.zeros(3)
naive_softmax(X @ W + b)

# %% [markdown] lang="en"
# **Predict first.** Add 100 to all logits, in float32. On paper nothing changes (section 2). On a computer?

# %% [markdown] lang="zh"
# **先猜一猜**：用 float32，给所有 logits 加上 100。在纸上什么都不变（第 2 节）。在计算机上呢？

# %%
print("exp:    ", torch.exp(X @ W + b + 100)[0])
print("softmax:", naive_softmax(X @ W + b + 100)[0])
drawing.largest_exponents()

# %% [markdown] lang="en"
# In float32 $\exp$ is infinite from $\log(3.4 \cdot 10^{38}) = 88.72$ on, and $\infty / \infty$ is `nan`. The range depends on the bits of the exponent. bfloat16 has fewer digits than float16, but the range of float32. A larger format only moves the limit.
#
# **The remedy**: only differences matter, so subtract the row's largest logit first. Then $\exp$ is at most 1.

# %% [markdown] lang="zh"
# 在 float32 里，$\exp$ 从 $\log(3.4 \cdot 10^{38}) = 88.72$ 起就是无穷大，而 $\infty / \infty$ 得到 `nan`。数值范围取决于指数的位数。bfloat16 的有效数字比 float16 少，范围却与 float32 相同。更大的格式只是把上限推远。
#
# **解决办法**：起作用的只是得分之差，所以先减去每行最大的 logit。这样 $\exp$ 最多为 1。


# %%
def softmax(O):
    exponentials = torch.exp(O - O.amax(dim=1, keepdim=True))
    return exponentials / exponentials.sum(dim=1, keepdim=True)


agree(softmax(X @ W + b + 100), naive_softmax(X @ W + b))
logits = 50 * torch.randn(256, 10)
agree(softmax(logits), scratch.softmax(logits))

# %% [markdown] lang="en"
# **Predict first.** A term can still become too *small*: $\exp(-104)$ is 0 in float32. What is the cross-entropy if that class is the true one?

# %% [markdown] lang="zh"
# **先猜一猜**：还会有哪一项变得太*小*：在 float32 里 $\exp(-104)$ 等于 0。如果它恰好是真实类别，交叉熵是多少？


# %%
def cross_entropy(y_hat, y):
    probabilities = y_hat[range(len(y)), y]  # row i, column y[i]
    tiny = torch.finfo(y_hat.dtype).tiny  # the smallest normal number
    return -torch.log(probabilities.clamp(min=tiny)).mean()


y_hat = softmax(torch.tensor([[-104.0, 0.0]]))
print("log of 0:", -torch.log(y_hat[0, 0]).item())
print("clamped: ", cross_entropy(y_hat, torch.tensor([0])).item())
agree(cross_entropy(y_hat, torch.tensor([0])), scratch.cross_entropy(y_hat, torch.tensor([0])))

# %% [markdown] lang="en"
# Infinite, so `cross_entropy` sets a lower bound for the probability. Section 8 shows how the library computes the exact 104.

# %% [markdown] lang="zh"
# 无穷大，所以 `cross_entropy` 给概率设了下限。框架怎样算出准确的 104，见第 8 节。

# %% [markdown] lang="en"
# **Experiment.** Leave out `keepdim=True`. Which matrices then raise an error, and for which is the result silently wrong? Try $(2, 3)$ and $(3, 3)$.

# %% [markdown] lang="zh"
# **实验**：去掉 `keepdim=True`。哪些矩阵会报错，哪些会悄悄得到错误的结果？试试 $(2, 3)$ 和 $(3, 3)$。

# %% [markdown] exercises=6
# (the exercises of section 6)

# %% [markdown] lang="en"
# ## 7. Loss, accuracy, training and prediction
#
# **Predict first.** Two examples have the probabilities $[0.1, 0.3, 0.6]$ and $[0.3, 0.2, 0.5]$, and the true classes 0 and 2. Which are classified correctly? What is the accuracy?

# %% [markdown] lang="zh"
# ## 7. 损失、精度、训练与预测
#
# **先猜一猜**：两个样本的概率是 $[0.1, 0.3, 0.6]$ 和 $[0.3, 0.2, 0.5]$，真实类别是 0 和 2。哪个分类正确？精度是多少？


# %%
def accuracy(y_hat, y):
    return (y_hat.argmax(dim=1) == y).float().mean()


accuracy(torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]]), torch.tensor([0, 2]))

# %% [markdown] lang="en"
# Only the second, so the accuracy is $1/2$. It cannot be the loss: a small change of the weights changes no prediction, so its gradient is 0 almost everywhere.
#
# **The gradients.** From section 3, $\partial l / \partial o_j = \hat{y}_j - y_j$. A logit is $o_j = \sum_i x_i W_{ij} + b_j$, so $\partial o_j / \partial W_{ij} = x_i$ and $\partial o_j / \partial b_j = 1$. By the chain rule $\partial l / \partial W_{ij} = x_i (\hat{y}_j - y_j)$: *pixel times error*. The mean over a batch of $n$ images is one matrix product:
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \frac{1}{n} \mathbf{X}^\top (\hat{\mathbf{Y}} - \mathbf{Y}), \qquad \frac{\partial L}{\partial b_j} = \frac{1}{n} \sum_i (\hat{Y}_{ij} - Y_{ij}).$$
#
# For the three images, with the errors of section 3:
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \begin{bmatrix} 0.0306 & -0.0562 & 0.0257 \\ -0.1116 & 0.0816 & 0.0300 \\ 0.1111 & -0.2222 & 0.1111 \\ 0.0621 & 0.1688 & -0.2309 \end{bmatrix}, \qquad \frac{\partial L}{\partial \mathbf{b}} = \begin{bmatrix} 0.0616 & 0.0282 & -0.0898 \end{bmatrix}.$$
#
# By hand, the last pixel and class 2: only image 2 has this pixel, so $1 \cdot (-0.6928) / 3 = -0.2309$.

# %% [markdown] lang="zh"
# 只有第二个，所以精度是 $1/2$。精度不能当损失：权重稍微变一点，预测不变，所以它的梯度几乎处处为 0。
#
# **梯度**：由第 3 节，$\partial l / \partial o_j = \hat{y}_j - y_j$。而 $o_j = \sum_i x_i W_{ij} + b_j$，所以 $\partial o_j / \partial W_{ij} = x_i$，$\partial o_j / \partial b_j = 1$。由链式法则，$\partial l / \partial W_{ij} = x_i (\hat{y}_j - y_j)$：*像素乘以误差*。对小批量中的 $n$ 幅图像取平均，就是一个矩阵乘法：
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \frac{1}{n} \mathbf{X}^\top (\hat{\mathbf{Y}} - \mathbf{Y}), \qquad \frac{\partial L}{\partial b_j} = \frac{1}{n} \sum_i (\hat{Y}_{ij} - Y_{ij}).$$
#
# 对三幅图像，代入第 3 节的误差：
#
# $$\frac{\partial L}{\partial \mathbf{W}} = \begin{bmatrix} 0.0306 & -0.0562 & 0.0257 \\ -0.1116 & 0.0816 & 0.0300 \\ 0.1111 & -0.2222 & 0.1111 \\ 0.0621 & 0.1688 & -0.2309 \end{bmatrix}, \qquad \frac{\partial L}{\partial \mathbf{b}} = \begin{bmatrix} 0.0616 & 0.0282 & -0.0898 \end{bmatrix}.$$
#
# 动手算最后一个像素、类别 2：只有图像 2 的这个像素不为零，所以是 $1 \cdot (-0.6928) / 3 = -0.2309$。


# %%
def gradients(X, y_hat, y):
    error = y_hat.clone()
    error[range(len(y)), y] -= 1  # y_hat - one_hot(y)
    return X.T @ error / len(y), error.mean(dim=0)  # (d, n) @ (n, q) -> (d, q), and (q,)


X, W, b = X.double(), W.double(), b.double()
dW, db = gradients(X, softmax(X @ W + b), y)
print(dW, db)

W_auto, b_auto = W.clone().requires_grad_(), b.clone().requires_grad_()
cross_entropy(softmax(X @ W_auto + b_auto), y).backward()
agree((dW, db), (W_auto.grad, b_auto.grad))  # autograd gives the same

# %% [markdown] lang="en"
# **Check the formula** by *finite differences*: increase and decrease one weight slightly, and measure the loss,
#
# $$\frac{\partial L}{\partial W_{ij}} \approx \frac{L(W_{ij} + \varepsilon) - L(W_{ij} - \varepsilon)}{2 \varepsilon}.$$

# %% [markdown] lang="zh"
# **检验公式**：用*有限差分*，把一个权重稍稍调大、再稍稍调小，测量损失：
#
# $$\frac{\partial L}{\partial W_{ij}} \approx \frac{L(W_{ij} + \varepsilon) - L(W_{ij} - \varepsilon)}{2 \varepsilon}.$$

# %%
epsilon = 1e-6
for i in range(4):
    for j in range(3):
        shift = torch.zeros_like(W)
        shift[i, j] = epsilon
        above, below = (cross_entropy(softmax(X @ V + b), y) for V in (W + shift, W - shift))
        agree(dW[i, j], (above - below) / (2 * epsilon), rtol=0, atol=1e-9)

# %% [markdown] lang="en"
# **One step** of gradient descent with the learning rate $\eta = 1$ is $\mathbf{W} \leftarrow \mathbf{W} - \eta\, \partial L / \partial \mathbf{W}$, and the same for $\mathbf{b}$:
#
# $$\mathbf{W}' = \begin{bmatrix} 0.9694 & 1.0562 & -0.0257 \\ 1.1116 & -0.0816 & -0.0300 \\ -0.1111 & 0.2222 & 0.8889 \\ -0.0621 & 0.8312 & 1.2309 \end{bmatrix}, \qquad \hat{\mathbf{Y}}' = \begin{bmatrix} 0.6760 & 0.2312 & 0.0928 \\ 0.2671 & 0.4205 & 0.3124 \\ 0.1609 & 0.4244 & 0.4147 \end{bmatrix}.$$
#
# **Predict first.** Which of the three images are classified correctly after this step? Does the loss of $0.8955$ fall below 0.8?

# %% [markdown] lang="zh"
# **一步**梯度下降，学习率取 $\eta = 1$，就是 $\mathbf{W} \leftarrow \mathbf{W} - \eta\, \partial L / \partial \mathbf{W}$，$\mathbf{b}$ 也一样：
#
# $$\mathbf{W}' = \begin{bmatrix} 0.9694 & 1.0562 & -0.0257 \\ 1.1116 & -0.0816 & -0.0300 \\ -0.1111 & 0.2222 & 0.8889 \\ -0.0621 & 0.8312 & 1.2309 \end{bmatrix}, \qquad \hat{\mathbf{Y}}' = \begin{bmatrix} 0.6760 & 0.2312 & 0.0928 \\ 0.2671 & 0.4205 & 0.3124 \\ 0.1609 & 0.4244 & 0.4147 \end{bmatrix}.$$
#
# **先猜一猜**：这一步之后，三幅图像中哪些预测正确？损失原来是 $0.8955$，会降到 0.8 以下吗？

# %%
y_hat = softmax(X @ (W - dW) + b - db)
print(y_hat, y_hat.argmax(dim=1), cross_entropy(y_hat, y))

# %% [markdown] lang="en"
# The loss falls to $0.7127$. Image 1 is correct now, and image 2 nearly so.
#
# **Predict first.** Take the same step with all 60,000 images, from weights that are 0. All probabilities are $0.1$, and each class has 6,000 images. Which pattern does the step write into the weights of a class? Put these numbers into the formula.

# %% [markdown] lang="zh"
# 损失降到 $0.7127$。图像 1 已经预测正确，图像 2 也只差一点。
#
# **先猜一猜**：用全部 60000 幅图像做同样的一步，权重从 0 开始。概率都是 $0.1$，每个类别有 6000 幅图像。这一步会把怎样的图案写进一个类别的权重？请把这些数代入公式。

# %%
dW, db = gradients(all_images.flatten(1), torch.full((60_000, 10), 0.1), all_labels)
templates = -dW.T.reshape(10, 1, 28, 28)
agree(templates, (means - means.mean(dim=0)) / 10, rtol=0, atol=1e-5)
drawing.means_and_templates(means, templates, classes)

# %% [markdown] lang="en"
# A tenth of (mean image of the class − mean image of all). Blue pixels count towards the class, orange ones against it.
#
# **The training loop.** Each batch takes four lines: probabilities, gradients, and a step for $\mathbf{W}$ and for $\mathbf{b}$. The rest measures.
#
# **Predict first.** The weights start as small random numbers. What is the accuracy before the first step? What is the training accuracy after ten epochs? Is the test accuracy higher or lower?

# %% [markdown] lang="zh"
# （该类别的平均图像减去全体的平均图像）的十分之一。蓝色像素支持该类别，橙色像素相反。
#
# **训练循环**：每个小批量只要四行：概率、梯度，再更新 $\mathbf{W}$ 和 $\mathbf{b}$。其余都是测量。
#
# **先猜一猜**：权重从很小的随机数开始。第一步之前的精度是多少？十个迭代周期之后的训练精度是多少？测试精度比它高还是低？


# %%
def evaluate(W, b):
    y_hat = softmax(test_images.flatten(1) @ W + b)
    return cross_entropy(y_hat, test_labels).item(), accuracy(y_hat, test_labels).item()


def train(W, b, num_epochs, lr):
    history = []
    for epoch in range(num_epochs):
        losses = accuracies = examples = 0
        for X, y in train_iter:
            X = X.flatten(1)  # (n, 1, 28, 28) -> (n, 784)
            y_hat = softmax(X @ W + b)
            dW, db = gradients(X, y_hat, y)
            W -= lr * dW
            b -= lr * db
            losses += len(y) * cross_entropy(y_hat, y).item()
            accuracies += len(y) * accuracy(y_hat, y).item()
            examples += len(y)
        history.append((losses / examples, accuracies / examples, *evaluate(W, b)))
        print("epoch {}: loss {:.4f}, accuracy {:.4f}".format(epoch + 1, *history[-1][:2]))
    return history


test_images, test_labels = test_iter.dataset[torch.arange(10_000)]
shuffling.manual_seed(0)
W = torch.normal(0, 0.01, (10, 784), generator=torch.Generator().manual_seed(0)).T.contiguous()
b = torch.zeros(10)
print(f"before the first step: accuracy {evaluate(W, b)[1]:.4f}")
history = train(W, b, num_epochs=10, lr=0.1)
print("test loss {:.4f}, test accuracy {:.4f}".format(*history[-1][2:]))
drawing.curves(history)

# %% [markdown] lang="en"
# Before the first step the accuracy is near that of random guessing, $0.1$. In the first epoch the test accuracy is above the training accuracy. Training accuracy is measured during the epoch, before each step; test accuracy after it, with better weights. Later the training accuracy is higher: this difference is the *generalization gap*.
#
# Does your loop compute the same numbers as `scratch`? Start both from the same seed:

# %% [markdown] lang="zh"
# 第一步之前与随机猜测差不多，接近 $0.1$。第一个迭代周期的测试精度高于训练精度。训练精度在迭代周期进行中、每次更新之前测量；测试精度在它结束后测量，权重更好。后来训练精度更高：两者之差就是*泛化差距*。
#
# 你的循环与 `scratch` 算出的数相同吗？让两者从同一个随机种子开始：

# %%
model = scratch.SoftmaxRegression(generator=torch.Generator().manual_seed(0))
optimizer = scratch.SGD(model.parameters(), lr=0.1)
shuffling.manual_seed(0)
for mine in history:
    agree(scratch.train_epoch(model, train_iter, optimizer), mine[:2], rtol=0, atol=1e-4)
agree(model.W, W, rtol=0, atol=1e-4)

# %% [markdown] lang="en"
# **Predict first.** Each column of $\mathbf{W}$ is a template, an image of weights. How do the trained templates differ from those of the first step?

# %% [markdown] lang="zh"
# **先猜一猜**：$\mathbf{W}$ 的每一列是一个模板，也就是权重组成的图像。训练后的模板与第一步的模板有什么不同？

# %%
from d2l_softmax.figures.evaluation import (
    draw_confusion,
    draw_mistakes,
    draw_reliability,
    draw_templates,
)

draw_templates(W, (1, 28, 28), classes)

# %% [markdown] lang="en"
# They have more detail: the weights now stress where a class differs from similar ones.
#
# **Predict first.** Which class has the most errors? With which classes is it confused?

# %% [markdown] lang="zh"
# 细节更多：权重现在突出的，是该类别与相似类别的不同之处。
#
# **先猜一猜**：哪个类别的错误最多？它与哪些类别混淆？

# %%
from d2l_softmax.training.evaluation import evaluate as evaluate_model

evaluation = evaluate_model(model, test_iter)
draw_confusion(evaluation)

# %% [markdown] lang="en"
# Shirt: it is confused with T-shirt, pullover and coat. Trousers and bags are rarely mistaken.
#
# **Predict first.** On which images is the model wrong and confident?

# %% [markdown] lang="zh"
# 衬衫：常被误判为 T 恤、套衫和外套。裤子和包很少认错。
#
# **先猜一猜**：在哪些图像上，模型判断错误而置信度很高？

# %%
draw_mistakes(evaluation, test_iter.dataset)

# %% [markdown] lang="en"
# Some images are unusual. Others show the limits of a fixed template: it adds up weighted pixels and cannot follow a shape that moves.
#
# **Predict first.** Of the images with a confidence near 0.8, which share is correct?

# %% [markdown] lang="zh"
# 有些图像本来就少见，有些则说明固定模板的局限：它只是把像素加权求和，形状一移动就跟不上。
#
# **先猜一猜**：在置信度接近 0.8 的图像中，预测正确的占多大比例？

# %%
draw_reliability(evaluation)

# %% [markdown] lang="en"
# About 0.8: the points are near the diagonal, so the model is well calibrated on images like these.

# %% [markdown] lang="zh"
# 大约 0.8：点靠近对角线，所以对这样的图像，模型的校准很好。

# %% [markdown] lang="en"
# **Experiment.** Train with the learning rates 0.01, 1 and 10. Which is too small, and which too large? Then sort the training data by class, and train again.

# %% [markdown] lang="zh"
# **实验**：用学习率 0.01、1 和 10 训练。哪个太小，哪个太大？再把训练数据按类别排序，重新训练。

# %% [markdown] exercises=7
# (the exercises of section 7)

# %% [markdown] lang="en"
# ## Summary
#
# - Data is read in shuffled batches, and means are weighted by batch size.
# - Subtract the row's maximum before $\exp$, and clamp probabilities before $\log$.
# - The gradient of the weights is pixel times error, averaged over the batch.
# - The first step writes the difference of mean images into the weights. Training refines it to a test accuracy of 0.82 to 0.83.
#
# **Open questions**
#
# 1. A shifted image has different pixels. Which model would still recognize it?
# 2. Accuracy counts all errors equally. When is that wrong?
#
# Next: [with the library](3_with_the_library.ipynb).

# %% [markdown] lang="zh"
# ## 小结
#
# - 数据按打乱的小批量读取，平均值按小批量的大小加权。
# - 取 $\exp$ 之前先减去每行的最大值，取 $\log$ 之前给概率设下限。
# - 权重的梯度是像素乘以误差，再对小批量取平均。
# - 第一步把平均图像之差写进权重。训练使它更精细，测试精度达到 0.82 到 0.83。
#
# **开放问题**
#
# 1. 图像移动之后，像素就变了。怎样的模型仍能认出它？
# 2. 精度把所有错误同等看待。什么时候这样做不对？
#
# 下一个：[简洁实现](3_with_the_library.zh-CN.ipynb)。
